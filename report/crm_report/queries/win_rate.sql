WITH months AS (
  SELECT source, closed_month AS month, sum(won) AS won, sum(closed) AS closed
  FROM bi.win_rate
  WHERE closed_month > date_trunc('month', $today) - INTERVAL 26 MONTH AND closed_month <= $today
  GROUP BY source, closed_month
)
SELECT
  source, month, won, closed, won / closed AS win_rate,
  sum(won) OVER three / sum(closed) OVER three AS three_months
FROM months
WINDOW three AS (
  PARTITION BY source ORDER BY month RANGE BETWEEN INTERVAL 2 MONTH PRECEDING AND CURRENT ROW
)
QUALIFY month > date_trunc('month', $today) - INTERVAL 24 MONTH
ORDER BY source, month
