{#- Each stay of an opportunity in the pipeline adds to its group on the first day and takes away on the day after the last.
    A version ends where the next begins: a record that was deleted and came back has versions that overlap. -#}
with version as (
  select
    * exclude (created_on),
    coalesce(created_on, cast({{ local_time("created_at") }} as date)) as created_on,
    cast({{ local_time("dbt_valid_from") }} as date) as from_day,
    cast({{ local_time("least(dbt_valid_to, lead(dbt_valid_from) over in_time)") }} as date) as to_day,
    row_number() over in_time = 1 as is_first
  from {{ ref("opportunity_versions") }}
  window in_time as (partition by id order by dbt_valid_from, dbt_valid_to nulls last)
),

stay as (
  select source, stage, stage_order, amount_base, weighted_amount_base, from_day, to_day, false as is_reconstructed
  from version
  where outcome = 'open' and not is_deleted
  union all
  select
    source, 'Stage not recorded', 0, amount_base, null,
    created_on, least(from_day, closed_on), true
  from version
  where is_first and not is_deleted
),

change as (
  select
    source, stage, stage_order, is_reconstructed, greatest(day, {{ first_day_shown() }}) as day,
    sum(opportunities) as opportunities, sum(amount_base) as amount_base, sum(weighted_amount_base) as weighted_amount_base
  from (
    select *, from_day as day, 1 as opportunities from stay where to_day is null or to_day > from_day
    union all
    select * replace (-amount_base as amount_base, -weighted_amount_base as weighted_amount_base), to_day as day, -1 as opportunities
    from stay
    where to_day > from_day
  )
  group by all
),

slot as (
  select *
  from (select distinct source, stage, stage_order, is_reconstructed from change)
  cross join ({{ days_since("(select min(day) from change)") }})
)

select {{ declared_columns() }}
from (
  select
    slot.day,
    {{ source_label("slot.source") }} as source,
    slot.stage, slot.stage_order, slot.is_reconstructed,
    sum(change.opportunities) over of_group as opportunities,
    sum(change.amount_base) over of_group as amount_base,
    case when not slot.is_reconstructed then sum(change.weighted_amount_base) over of_group end as weighted_amount_base,
    {{ base_currency("slot.source") }} as base_currency
  from slot
  left join change using (source, stage, stage_order, is_reconstructed, day)
  window of_group as (partition by slot.source, slot.stage, slot.stage_order, slot.is_reconstructed order by slot.day)
)
where opportunities > 0
