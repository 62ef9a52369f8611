SELECT base_currency AS currency, sum(amount_base) AS value, count(*) AS opportunities
FROM bi.sales_pipeline
GROUP BY base_currency
ORDER BY min(source)
