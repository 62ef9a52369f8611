SELECT
  source, base_currency AS currency, close_month AS month,
  sum(won_amount_base) AS won, sum(weighted_amount_base) AS weighted, sum(open_amount_base) AS open,
  sum(open_opportunities) AS opportunities
FROM bi.forecast
WHERE close_month >= date_trunc('month', $today) - INTERVAL 6 MONTH
  AND close_month <= date_trunc('month', $today) + INTERVAL 6 MONTH
GROUP BY source, base_currency, close_month
ORDER BY source, month
