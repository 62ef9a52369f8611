select {{ declared_columns() }}
from (
  select
    {{ source_label("deal.source") }} as source,
    date_trunc('month', deal.closed_on) as closed_month,
    coalesce(owner.name, 'Unassigned') as owner,
    coalesce(deal.lead_source, 'Not given') as lead_source,
    count(*) as closed,
    count(*) filter (deal.outcome = 'won') as won,
    count(*) filter (deal.outcome = 'lost') as lost,
    coalesce(sum(deal.amount_base) filter (deal.outcome = 'won'), 0) as won_amount_base,
    coalesce(sum(deal.amount_base) filter (deal.outcome = 'lost'), 0) as lost_amount_base,
    {{ base_currency("any_value(deal.source)") }} as base_currency,
    won / closed as win_rate,
    won_amount_base / nullif(won_amount_base + lost_amount_base, 0) as win_rate_by_amount
  from {{ ref("opportunity") }} as deal
  left join {{ ref("user") }} as owner on owner.id = deal.owner_id
  where deal.outcome <> 'open' and not deal.is_deleted
  group by 1, 2, 3, 4
)
