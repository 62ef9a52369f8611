SELECT
  source, base_currency AS currency, stage, min(stage_order) AS stage_order,
  count(*) AS opportunities, sum(amount_base) AS amount, sum(weighted_amount_base) AS weighted
FROM bi.sales_pipeline
GROUP BY source, base_currency, stage
ORDER BY source, stage_order, stage
