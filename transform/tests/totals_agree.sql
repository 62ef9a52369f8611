{#- The same question put to two models has one answer. -#}
with answer as (
  select 'open opportunities: sales_pipeline' as question, count(*) as is_value, (select count(*) from {{ ref("opportunity") }} where outcome = 'open' and not is_deleted) as should
  from {{ ref("sales_pipeline") }}
  union all
  select 'open opportunities: forecast', coalesce(sum(open_opportunities), 0), (select count(*) from {{ ref("sales_pipeline") }}) from {{ ref("forecast") }}
  union all
  select 'open opportunities: owners and nobody',
    coalesce(sum(open_opportunities), 0) + (select count(*) from {{ ref("opportunity") }} where outcome = 'open' and not is_deleted and owner_id is null),
    (select count(*) from {{ ref("sales_pipeline") }})
  from {{ ref("owner_performance") }}
  union all
  select 'won: win_rate', coalesce(sum(won), 0), (select count(*) from {{ ref("opportunity") }} where outcome = 'won' and not is_deleted) from {{ ref("win_rate") }}
  union all
  select 'won: revenue_monthly', coalesce(sum(won), 0), (select coalesce(sum(won), 0) from {{ ref("win_rate") }}) from {{ ref("revenue_monthly") }}
  union all
  select 'open tickets: ticket_daily',
    coalesce(sum(open_at_end) filter (day = (select max(day) from {{ ref("ticket_daily") }})), 0),
    (select count(*) from {{ ref("ticket") }} where not is_deleted and created_at_local is not null
      and cast(created_at_local as date) <= {{ today() }} and (closed_on is null or greatest(closed_on, cast(created_at_local as date)) > {{ today() }}))
  from {{ ref("ticket_daily") }}
)

select * from answer where is_value <> should
