with ticket as (
  select source, coalesce(priority, 'Not given') as priority, cast(created_at_local as date) as opened_on, closed_on
  from {{ ref("ticket") }}
  where not is_deleted and created_at_local is not null
),

change as (
  select
    source, priority, day,
    sum(sign) filter (sign > 0) as opened,
    -sum(sign) filter (sign < 0) as closed
  from (
    select source, priority, opened_on as day, 1 as sign from ticket
    union all
    select source, priority, greatest(closed_on, opened_on), -1 from ticket where closed_on is not null
  )
  group by all
),

before as (
  select source, priority, sum(coalesce(opened, 0) - coalesce(closed, 0)) as open_tickets
  from change
  where day < {{ first_day_shown() }}
  group by all
),

slot as (
  select *
  from (select distinct source, priority from change)
  cross join ({{ days_since("(select min(day) from change)") }})
)

select {{ declared_columns() }}
from (
  select
    slot.day,
    {{ source_label("slot.source") }} as source,
    slot.priority,
    coalesce(change.opened, 0) as opened,
    coalesce(change.closed, 0) as closed,
    coalesce(before.open_tickets, 0)
      + sum(coalesce(change.opened, 0) - coalesce(change.closed, 0)) over (partition by slot.source, slot.priority order by slot.day) as open_at_end
  from slot
  left join change using (source, priority, day)
  left join before using (source, priority)
)
