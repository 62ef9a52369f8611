SELECT
  sum(won) FILTER (closed_month > $today - INTERVAL 12 MONTH)
    / nullif(sum(closed) FILTER (closed_month > $today - INTERVAL 12 MONTH), 0) AS value,
  sum(won) FILTER (closed_month <= $today - INTERVAL 12 MONTH)
    / nullif(sum(closed) FILTER (closed_month <= $today - INTERVAL 12 MONTH), 0) AS before
FROM bi.win_rate
WHERE closed_month > $today - INTERVAL 24 MONTH
