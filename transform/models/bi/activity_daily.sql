select {{ declared_columns() }}
from (
  select
    activity.activity_date as day,
    {{ source_label("activity.source") }} as source,
    coalesce(owner.name, 'Unassigned') as owner,
    activity.type,
    count(*) as activities,
    count(*) filter (activity.outcome = 'done') as done,
    count(*) filter (activity.outcome = 'planned') as planned,
    count(*) filter (activity.outcome = 'cancelled') as cancelled,
    coalesce(sum(activity.duration_minutes) filter (activity.outcome = 'done'), 0) as minutes
  from {{ ref("activity") }} as activity
  left join {{ ref("user") }} as owner on owner.id = activity.owner_id
  where not activity.is_deleted
  group by 1, 2, 3, 4
)
