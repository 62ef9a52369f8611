SELECT count(*) FILTER (status = 'ok') AS value, count(*) AS total
FROM bi.load_health
