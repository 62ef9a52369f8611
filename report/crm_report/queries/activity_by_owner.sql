WITH recent AS (
  SELECT owner, type, sum(done) AS activities
  FROM bi.activity_daily
  WHERE day > $today - 30 AND day <= $today AND owner <> 'Unassigned'
  GROUP BY owner, type
  HAVING sum(done) > 0
),
busiest AS (
  SELECT owner, sum(activities) AS total FROM recent GROUP BY owner ORDER BY total DESC, owner LIMIT 12
)
SELECT owner, type, activities, total
FROM recent JOIN busiest USING (owner)
ORDER BY total DESC, owner, type
