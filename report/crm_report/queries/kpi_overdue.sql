SELECT count(*) FILTER (is_overdue) AS value, count(*) FILTER (is_stalled) AS stalled
FROM bi.sales_pipeline
