select {{ declared_columns() }}
from (
  select
    {{ source_label("lead.source") }} as source,
    cast(date_trunc('month', lead.created_at_local) as date) as created_month,
    coalesce(lead.lead_source, 'Not given') as lead_source,
    coalesce(owner.name, 'Unassigned') as owner,
    count(*) as leads,
    count(*) filter (lead.outcome = 'converted') as converted,
    count(*) filter (lead.outcome = 'dead') as dead,
    count(*) filter (lead.outcome = 'open') as open,
    converted / leads as conversion_rate,
    avg(greatest(cast(lead.converted_at_local as date) - cast(lead.created_at_local as date), 0))
      filter (lead.outcome = 'converted') as average_days_to_convert,
    coalesce(sum(deal.amount_base), 0) as opportunity_amount_base,
    {{ base_currency("any_value(lead.source)") }} as base_currency
  from {{ ref("lead") }} as lead
  left join {{ ref("user") }} as owner on owner.id = lead.owner_id
  left join {{ ref("opportunity") }} as deal on deal.id = lead.converted_opportunity_id and not deal.is_deleted
  where not lead.is_deleted
  group by 1, 2, 3, 4
)
