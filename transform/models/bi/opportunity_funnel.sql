with visited as (
  select *
  from {{ ref("opportunity_stage_history") }}
  where opportunity_id in (select id from {{ ref("opportunity") }} where not is_deleted)
),

seen as (
  select opportunity_id, max(stage_order) as stage_order from visited where outcome = 'open' group by opportunity_id
),

deal as (
  select
    opportunity.source, opportunity.stage, opportunity.outcome, opportunity.amount_base,
    case opportunity.outcome
      when 'won' then 1000000
      when 'open' then greatest(opportunity.stage_order, seen.stage_order)
      else greatest(0, seen.stage_order, opportunity.last_open_stage_order)
    end as reached
  from {{ ref("opportunity") }} as opportunity
  left join seen on seen.opportunity_id = opportunity.id
  where not opportunity.is_deleted
),

visit as (
  select source, stage, avg(days_in_stage) as average_days, count(*) as visits
  from visited
  where left_at is not null and is_entry_exact
  group by source, stage
),

stage as (
  select source, stage, stage_order, outcome, row_number() over (partition by source order by stage_order, stage) = 1 as is_first
  from (
    select source, stage, stage_order, outcome from {{ ref("opportunity") }} where outcome <> 'lost' and stage is not null and not is_deleted
    union
    select source, stage, stage_order, outcome from visited where outcome <> 'lost' and stage is not null
  )
),

now as (
  select source, stage, count(*) as opportunities, sum(amount_base) as amount_base from deal group by source, stage
),

distance as (
  select source, reached, outcome, count(*) as opportunities from deal group by source, reached, outcome
)

select {{ declared_columns() }}
from (
  select
    {{ source_label("stage.source") }} as source,
    stage.stage, stage.stage_order, stage.outcome,
    coalesce(any_value(now.opportunities), 0) as opportunities_now,
    coalesce(any_value(now.amount_base), 0) as amount_now_base,
    coalesce(sum(distance.opportunities) filter (
      case stage.outcome when 'won' then distance.outcome = 'won' else stage.is_first or distance.reached >= stage.stage_order end
    ), 0) as opportunities_reached,
    opportunities_reached / sum(distance.opportunities) as share_reached,
    opportunities_reached / nullif(lag(opportunities_reached) over (partition by stage.source order by stage.stage_order, stage.stage), 0)
      as conversion_from_previous,
    any_value(visit.average_days) as average_days_in_stage,
    coalesce(any_value(visit.visits), 0) as visits_measured,
    {{ base_currency("stage.source") }} as base_currency
  from stage
  left join now on now.source = stage.source and now.stage = stage.stage
  left join visit on visit.source = stage.source and visit.stage = stage.stage
  left join distance on distance.source = stage.source
  group by stage.source, stage.stage, stage.stage_order, stage.outcome, stage.is_first
)
