SELECT
  source, closed_month AS month, opportunities AS won, median_days, slowest_tenth_days,
  sum(average_days * opportunities) OVER three / sum(opportunities) OVER three AS three_months
FROM bi.sales_cycle
WHERE outcome = 'won' AND closed_month > date_trunc('month', $today) - INTERVAL 26 MONTH AND closed_month <= $today
WINDOW three AS (
  PARTITION BY source ORDER BY closed_month RANGE BETWEEN INTERVAL 2 MONTH PRECEDING AND CURRENT ROW
)
QUALIFY month > date_trunc('month', $today) - INTERVAL 24 MONTH
ORDER BY source, month
