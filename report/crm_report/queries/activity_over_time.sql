SELECT date_trunc('week', day)::DATE AS week, type, sum(done) AS activities
FROM bi.activity_daily
WHERE day >= date_trunc('week', $today) - INTERVAL 25 WEEK AND day <= $today
GROUP BY week, type
HAVING sum(done) > 0
ORDER BY week, type
