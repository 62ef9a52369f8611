with record as (
  {{ union_of("stg_opencrm__activities") }}
  {%- for type in ["call", "meeting", "task", "email"] %}
  union all by name select *, '{{ type }}' as type from {{ ref("stg_espocrm__" ~ type) }}
  {%- endfor %}
)

select {{ declared_columns() }}{{ custom_columns("activity") }}
from (
  select
    record.* exclude (type, account_id, contact_id, direction),
    coalesce(record.type, {{ outcome_of("activity_type", "record.type_given", "type_word") }}) as type,
    {{ outcome_of("activity", "record.status") }} as outcome,
    coalesce(cast(record.start_at_local as date), record.due_date, cast(record.created_at_local as date)) as activity_date,
    coalesce(
      cast(round(record.duration_hours * 60) as bigint), record.duration_seconds // 60, date_diff('minute', record.start_at, record.end_at)
    ) as duration_minutes,
    coalesce(record.direction, case when record.type = 'email' then if(record.sent_by_id is null, 'Inbound', 'Outbound') end) as direction,
    coalesce(record.contact_id, parent_contact.id) as contact_id,
    opportunity.id as opportunity_id,
    coalesce(record.account_id, parent_account.id, opportunity.account_id, ticket.account_id, parent_contact.account_id, contact.account_id) as account_id
  from record
  {{ join_vocabulary("'activity'", "record.status") }}
  {{ join_vocabulary("'activity_type'", "record.type_given", "type_word") }}
  left join {{ ref("contact") }} as contact on contact.id = record.contact_id
  left join {{ ref("contact") }} as parent_contact on parent_contact.id = record.parent_id
  left join {{ ref("account") }} as parent_account on parent_account.id = record.parent_id
  left join {{ ref("opportunity") }} as opportunity on opportunity.id = record.parent_id
  left join {{ ref("ticket") }} as ticket on ticket.id = record.parent_id
)
