{%- set year_ago = "(" ~ today() ~ " - interval 12 month)" -%}
with deal as (
  select
    owner_id,
    count(*) filter (outcome = 'open') as open_opportunities,
    sum(amount_base) filter (outcome = 'open') as open_amount_base,
    sum(weighted_amount_base) filter (outcome = 'open') as weighted_amount_base,
    count(*) filter (outcome = 'won') as won,
    count(*) filter (outcome = 'lost') as lost,
    sum(amount_base) filter (outcome = 'won') as won_amount_base,
    count(*) filter (outcome = 'won' and closed_on > {{ year_ago }} and closed_on <= {{ today() }}) as won_last_12_months,
    sum(amount_base) filter (outcome = 'won' and closed_on > {{ year_ago }} and closed_on <= {{ today() }})
      as won_amount_last_12_months_base,
    count(amount_base) filter (outcome = 'won') as won_with_amount,
    median(greatest(closed_on - cast(created_at_local as date), 0)) filter (outcome = 'won') as median_days_to_win
  from {{ ref("opportunity") }}
  where not is_deleted
  group by owner_id
),

activity as (
  select owner_id, count(*) as activities
  from {{ ref("activity") }}
  where not is_deleted and outcome = 'done' and activity_date > {{ today() }} - 30 and activity_date <= {{ today() }}
  group by owner_id
),

lead as (
  select owner_id, count(*) as open_leads from {{ ref("lead") }} where not is_deleted and outcome = 'open' group by owner_id
),

ticket as (
  select owner_id, count(*) as open_tickets from {{ ref("ticket") }} where not is_deleted and outcome = 'open' group by owner_id
)

select {{ declared_columns() }}
from (
  select
    {{ source_label("owner.source") }} as source,
    owner.id as owner_id,
    owner.name as owner,
    owner.is_active,
    coalesce(deal.open_opportunities, 0) as open_opportunities,
    coalesce(deal.open_amount_base, 0) as open_amount_base,
    coalesce(deal.weighted_amount_base, 0) as weighted_amount_base,
    coalesce(deal.won, 0) as won,
    coalesce(deal.lost, 0) as lost,
    deal.won / nullif(deal.won + deal.lost, 0) as win_rate,
    coalesce(deal.won_amount_base, 0) as won_amount_base,
    coalesce(deal.won_last_12_months, 0) as won_last_12_months,
    coalesce(deal.won_amount_last_12_months_base, 0) as won_amount_last_12_months_base,
    deal.won_amount_base / nullif(deal.won_with_amount, 0) as average_won_amount_base,
    deal.median_days_to_win,
    coalesce(activity.activities, 0) as activities_last_30_days,
    coalesce(lead.open_leads, 0) as open_leads,
    coalesce(ticket.open_tickets, 0) as open_tickets,
    {{ base_currency("owner.source") }} as base_currency
  from {{ ref("user") }} as owner
  left join deal on deal.owner_id = owner.id
  left join activity on activity.owner_id = owner.id
  left join lead on lead.owner_id = owner.id
  left join ticket on ticket.owner_id = owner.id
  where not owner.is_deleted or deal.owner_id is not null
)
