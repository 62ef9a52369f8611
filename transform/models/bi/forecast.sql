select {{ declared_columns() }}
from (
  select
    {{ source_label("deal.source") }} as source,
    date_trunc('month', coalesce(deal.closed_on, deal.close_date)) as close_month,
    coalesce(owner.name, 'Unassigned') as owner,
    count(*) filter (deal.outcome = 'open') as open_opportunities,
    coalesce(sum(deal.amount_base) filter (deal.outcome = 'open'), 0) as open_amount_base,
    coalesce(sum(deal.weighted_amount_base) filter (deal.outcome = 'open'), 0) as weighted_amount_base,
    count(*) filter (deal.outcome = 'open' and deal.close_date < {{ today() }}) as overdue_opportunities,
    coalesce(sum(deal.amount_base) filter (deal.outcome = 'open' and deal.close_date < {{ today() }}), 0) as overdue_amount_base,
    count(*) filter (deal.outcome = 'won') as won_opportunities,
    coalesce(sum(deal.amount_base) filter (deal.outcome = 'won'), 0) as won_amount_base,
    won_amount_base + coalesce(sum(deal.weighted_amount_base) filter (deal.outcome = 'open'), 0) as forecast_amount_base,
    {{ base_currency("any_value(deal.source)") }} as base_currency,
    coalesce(close_month < date_trunc('month', {{ today() }}), false) as is_past
  from {{ ref("opportunity") }} as deal
  left join {{ ref("user") }} as owner on owner.id = deal.owner_id
  where deal.outcome <> 'lost' and not deal.is_deleted
  group by 1, 2, 3
)
