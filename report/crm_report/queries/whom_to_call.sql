SELECT
  account, phone, open_amount_base AS open_amount, base_currency AS currency, owner, last_activity_on,
  next_close_date, source
FROM bi.account_360
WHERE open_opportunities > 0 AND next_activity_on IS NULL AND coalesce(days_since_activity, 9999) > 30
QUALIFY row_number() OVER (PARTITION BY source ORDER BY open_amount DESC, account) <= 6
ORDER BY source, open_amount DESC, account
