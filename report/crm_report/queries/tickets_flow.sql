SELECT date_trunc('month', day)::DATE AS month, sum(opened) AS opened, sum(closed) AS closed
FROM bi.ticket_daily
WHERE day >= date_trunc('month', $today) - INTERVAL 11 MONTH AND day <= $today
GROUP BY month
ORDER BY month
