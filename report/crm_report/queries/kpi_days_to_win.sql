SELECT
  sum(average_days * opportunities) FILTER (closed_month > $today - INTERVAL 12 MONTH)
    / nullif(sum(opportunities) FILTER (closed_month > $today - INTERVAL 12 MONTH), 0) AS value,
  sum(average_days * opportunities) FILTER (closed_month <= $today - INTERVAL 12 MONTH)
    / nullif(sum(opportunities) FILTER (closed_month <= $today - INTERVAL 12 MONTH), 0) AS before
FROM bi.sales_cycle
WHERE outcome = 'won' AND closed_month > $today - INTERVAL 24 MONTH
