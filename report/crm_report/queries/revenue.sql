SELECT
  source, base_currency AS currency, month,
  sum(ordered_net) AS ordered, sum(invoiced_net) AS invoiced, sum(won_amount_base) AS won
FROM bi.revenue_monthly
WHERE month > date_trunc('month', $today) - INTERVAL 12 MONTH AND month <= $today
GROUP BY source, base_currency, month
ORDER BY source, month
