SELECT day, source, sum(open_at_end) AS open_tickets
FROM bi.ticket_daily
WHERE day > $today - 182 AND day <= $today AND ($today - day) % 7 = 0
GROUP BY day, source
ORDER BY source, day
