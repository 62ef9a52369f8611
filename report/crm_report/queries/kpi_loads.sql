SELECT count(*) FILTER (status IN ('ok', 'empty')) AS value, count(*) AS total
FROM bi.load_health
