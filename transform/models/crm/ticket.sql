with record as (
  {{ union_of("stg_opencrm__tickets", "stg_espocrm__case") }}
)

select {{ declared_columns() }}{{ custom_columns("ticket") }}
from (
  select
    record.* exclude (account_id, contact_id, closed_on),
    {{ outcome_of("ticket", "record.status") }} as outcome,
    coalesce(record.contact_id, parent_contact.id) as contact_id,
    coalesce(record.account_id, parent_account.id, parent_contact.account_id, contact.account_id) as account_id,
    case when outcome = 'closed' then coalesce(record.closed_on, cast(record.modified_at_local as date)) end as closed_on,
    case when outcome = 'closed' then record.closed_on is not null end as closed_on_is_exact
  from record
  {{ join_vocabulary("'ticket'", "record.status") }}
  left join {{ ref("contact") }} as contact on contact.id = record.contact_id
  left join {{ ref("contact") }} as parent_contact on parent_contact.id = record.parent_id
  left join {{ ref("account") }} as parent_account on parent_account.id = record.parent_id
)
