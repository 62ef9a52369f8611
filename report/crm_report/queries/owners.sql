SELECT
  source, base_currency AS currency, owner, won_amount_last_12_months_base AS won_amount,
  won_last_12_months AS won, win_rate, open_amount_base AS open_amount, activities_last_30_days AS activities
FROM bi.owner_performance
WHERE owner IS NOT NULL AND (won_last_12_months > 0 OR open_opportunities > 0)
QUALIFY row_number() OVER (PARTITION BY source ORDER BY won_amount DESC NULLS LAST, owner) <= 10
ORDER BY source, won_amount DESC NULLS LAST, owner
