with deal as (
  select
    account_id,
    count(*) filter (outcome = 'open') as open_opportunities,
    sum(amount_base) filter (outcome = 'open') as open_amount_base,
    sum(weighted_amount_base) filter (outcome = 'open') as weighted_amount_base,
    count(*) filter (outcome = 'won') as won,
    sum(amount_base) filter (outcome = 'won') as won_amount_base,
    count(*) filter (outcome = 'lost') as lost,
    max(closed_on) filter (outcome = 'won') as last_won_on,
    min(close_date) filter (outcome = 'open' and close_date >= {{ today() }}) as next_close_date
  from {{ ref("opportunity") }}
  where not is_deleted
  group by account_id
),

activity as (
  select
    account_id,
    count(*) filter (outcome = 'done' and activity_date <= {{ today() }}) as activities,
    count(*) filter (outcome = 'done' and activity_date between {{ today() }} - 89 and {{ today() }}) as activities_last_90_days,
    max(activity_date) filter (outcome = 'done' and activity_date <= {{ today() }}) as last_activity_on,
    min(activity_date) filter (outcome = 'planned' and activity_date >= {{ today() }}) as next_activity_on
  from {{ ref("activity") }}
  where not is_deleted
  group by account_id
),

contact as (
  select account_id, count(*) as contacts from {{ ref("contact") }} where not is_deleted group by account_id
),

ticket as (
  select account_id, count(*) as tickets, count(*) filter (outcome = 'open') as open_tickets
  from {{ ref("ticket") }} where not is_deleted group by account_id
),

invoice as (
  select
    account_id,
    sum(net_total) as invoiced_net,
    sum(gross_total) filter (outcome = 'open' and paid_on is null) as unpaid_gross,
    max(document_date) as last_invoice_on
  from {{ ref("document") }}
  where type = 'invoice' and outcome <> 'cancelled' and not is_deleted
  group by account_id
)

select {{ declared_columns() }}
from (
  select
    {{ source_label("account.source") }} as source,
    account.id as account_id,
    account.name as account,
    account.type, account.industry,
    coalesce(owner.name, 'Unassigned') as owner,
    account.city, account.country, account.email, account.phone, account.website,
    cast(account.created_at_local as date) as created_on,
    {%- for column in ["contact.contacts", "deal.open_opportunities", "deal.open_amount_base", "deal.weighted_amount_base", "deal.won",
      "deal.won_amount_base", "deal.lost", "activity.activities", "activity.activities_last_90_days", "ticket.tickets",
      "ticket.open_tickets", "invoice.invoiced_net", "invoice.unpaid_gross"] %}
    coalesce({{ column }}, 0) as {{ column.split(".")[1] }},
    {%- endfor %}
    deal.last_won_on, deal.next_close_date, activity.last_activity_on, activity.next_activity_on,
    {{ today() }} - activity.last_activity_on as days_since_activity,
    invoice.last_invoice_on,
    {{ base_currency("account.source") }} as base_currency
  from {{ ref("account") }} as account
  left join {{ ref("user") }} as owner on owner.id = account.owner_id
  {%- for part in ["deal", "activity", "contact", "ticket", "invoice"] %}
  left join {{ part }} on {{ part }}.account_id = account.id
  {%- endfor %}
  where not account.is_deleted
)
