SELECT
  sum(done) FILTER (day > $today - 30) AS value,
  sum(done) FILTER (day <= $today - 30) AS before
FROM bi.activity_daily
WHERE day > $today - 60 AND day <= $today
