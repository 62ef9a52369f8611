SELECT
  coalesce(lead_source, 'Not recorded') AS lead_source, sum(leads) AS leads, sum(converted) AS converted,
  sum(converted) / sum(leads) AS conversion_rate
FROM bi.lead_conversion
WHERE created_month > $today - INTERVAL 12 MONTH
GROUP BY ALL
ORDER BY leads DESC
LIMIT 10
