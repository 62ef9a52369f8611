{%- set owned = ["account", "contact", "lead", "opportunity", "activity", "ticket", "campaign"] -%}
with listed as (
  select
    *,
    coalesce(full_name, {{ full_name() }}, user_name) as name,
    coalesce(is_active, lower(status) = 'active') as active
  from ({{ union_of("stg_opencrm__users", "stg_espocrm__user") }})
),

named as (
  select owner_id as id, any_value(source) as source, any_value(owner_name) as name
  from (
    {%- for model in owned %}
    {{ "union all" if not loop.first }} select distinct owner_id, source, owner_name from {{ ref(model) }}
    {%- endfor %}
  )
  where owner_id is not null
  group by owner_id
)

select {{ declared_columns() }}{{ custom_columns("user") }}
from (
  select * exclude (is_active, name), active as is_active, true as is_listed, coalesce(name, 'User ' || source_id) as name
  from listed
  union all by name
  select
    id,
    source,
    split_part(id, ':', 2) as source_id,
    coalesce(name, 'User ' || source_id) as name,
    false as is_listed,
    false as is_deleted,
    '{}'::json as custom_fields
  from named
  where id not in (select id from listed)
)
