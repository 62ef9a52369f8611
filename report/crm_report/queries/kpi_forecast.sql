SELECT base_currency AS currency, sum(forecast_amount_base) AS value, sum(won_amount_base) AS won
FROM bi.forecast
WHERE date_trunc('quarter', close_month) = date_trunc('quarter', $today)
GROUP BY base_currency
ORDER BY min(source)
