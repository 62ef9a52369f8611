{#- Versions in which only something else than the stage changed are put together: gaps and islands. -#}
with version as (
  select
    id as opportunity_id, source, stage, stage_order, outcome, created_at,
    dbt_valid_from as valid_from, dbt_valid_to as valid_to
  from {{ ref("opportunity_versions") }}
  where (dbt_valid_to is null or dbt_valid_to > dbt_valid_from) and id in (select id from {{ ref("opportunity") }})
),

step as (
  select *
  from version
  window in_time as (partition by opportunity_id order by valid_from, valid_to nulls last)
  qualify stage is distinct from lag(stage) over in_time or row_number() over in_time = 1
)

select {{ declared_columns() }}
from (
  select
    step.*,
    row_number() over of_opportunity as sequence,
    case when sequence = 1 and valid_from <= created_at + interval 1 minute then created_at else valid_from end as entered_at,
    lead(valid_from) over of_opportunity as left_at,
    left_at is null as is_current,
    sequence > 1 or valid_from <= created_at + interval 1 minute as is_entry_exact,
    {{ local_time("entered_at") }} as entered_at_local,
    {{ local_time("left_at") }} as left_at_local,
    case when left_at is not null or outcome = 'open'
      then greatest(0, date_diff('second', entered_at, coalesce(left_at, {{ now_utc() }})) / 86400) end as days_in_stage
  from step
  window of_opportunity as (partition by opportunity_id order by valid_from, valid_to nulls last)
)
