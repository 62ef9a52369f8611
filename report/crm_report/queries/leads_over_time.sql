SELECT created_month AS month, sum(leads) AS leads, sum(converted) AS converted
FROM bi.lead_conversion
WHERE created_month > date_trunc('month', $today) - INTERVAL 12 MONTH AND created_month <= $today
GROUP BY created_month
ORDER BY month
