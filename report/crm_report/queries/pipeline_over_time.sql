SELECT
  source, base_currency AS currency, day,
  sum(amount_base) AS amount, sum(opportunities) AS opportunities, bool_or(is_reconstructed) AS reconstructed
FROM bi.pipeline_snapshot_daily
WHERE day > $today - 364 AND day <= $today AND ($today - day) % 7 = 0
GROUP BY source, base_currency, day
ORDER BY source, day
