SELECT
  entity || ': ' || replace(check_name, '_', ' ') AS finding, source, severity, failing, records, share_failing,
  description
FROM bi.data_quality
WHERE failing > 0
QUALIFY row_number() OVER (PARTITION BY source ORDER BY severity, share_failing DESC, check_name) <= 8
ORDER BY source, share_failing DESC, finding
