SELECT
  sum(open_at_end) FILTER (day = last_day) AS value,
  sum(open_at_end) FILTER (day = last_day - 30) AS before
FROM bi.ticket_daily, (SELECT max(day) AS last_day FROM bi.ticket_daily WHERE day <= $today)
