with done as (
  select opportunity_id, count(*) as activities, max(activity_date) as last_activity_on
  from {{ ref("activity") }}
  where outcome = 'done' and not is_deleted and opportunity_id is not null and activity_date <= {{ today() }}
  group by opportunity_id
),

stage as (
  select opportunity_id, cast(entered_at_local as date) as entered_on
  from {{ ref("opportunity_stage_history") }}
  where is_current
)

select {{ declared_columns() }}
from (
  select
    {{ source_label("deal.source") }} as source,
    deal.id as opportunity_id,
    deal.name as opportunity,
    deal.account_id,
    coalesce(account.name, deal.account_name) as account,
    contact.name as contact,
    coalesce(owner.name, 'Unassigned') as owner,
    deal.stage, deal.stage_order, deal.probability, deal.amount, deal.currency, deal.amount_base, deal.weighted_amount_base,
    {{ base_currency("deal.source") }} as base_currency,
    deal.lead_source, deal.type, campaign.name as campaign, deal.next_step,
    cast(deal.created_at_local as date) as created_on, deal.created_at, deal.created_at_local,
    deal.close_date,
    date_trunc('month', deal.close_date) as close_month,
    {{ today() }} - cast(deal.created_at_local as date) as days_open,
    {{ today() }} - stage.entered_on as days_in_stage,
    coalesce(deal.close_date < {{ today() }}, false) as is_overdue,
    {{ today() }} - greatest(cast(deal.modified_at_local as date), done.last_activity_on) >= {{ var("stalled_days") }} as is_stalled,
    coalesce(done.activities, 0) as activities,
    done.last_activity_on
  from {{ ref("opportunity") }} as deal
  left join {{ ref("account") }} as account on account.id = deal.account_id
  left join {{ ref("contact") }} as contact on contact.id = deal.contact_id
  left join {{ ref("user") }} as owner on owner.id = deal.owner_id
  left join {{ ref("campaign") }} as campaign on campaign.id = deal.campaign_id
  left join done on done.opportunity_id = deal.id
  left join stage on stage.opportunity_id = deal.id
  where deal.outcome = 'open' and not deal.is_deleted
)
