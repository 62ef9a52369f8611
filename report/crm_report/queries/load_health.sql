SELECT
  schema_name, stream, status, last_run_at_local, hours_since_success, rows_in, rows_in_table, rows_rejected,
  values_rejected, schema_changes, duration_seconds
FROM bi.load_health
ORDER BY (status IN ('ok', 'empty'))::INTEGER, schema_name, stream
