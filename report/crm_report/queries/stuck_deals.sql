SELECT
  opportunity, amount_base AS amount, base_currency AS currency,
  CASE WHEN is_overdue AND is_stalled THEN 'both' WHEN is_overdue THEN 'overdue' ELSE 'stalled' END AS why,
  stage, close_date, days_in_stage, owner, account, source
FROM bi.sales_pipeline
WHERE is_overdue OR is_stalled
QUALIFY row_number() OVER (PARTITION BY source ORDER BY amount DESC NULLS LAST, opportunity) <= 6
ORDER BY source, amount DESC NULLS LAST, opportunity
