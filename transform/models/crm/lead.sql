select {{ declared_columns() }}{{ custom_columns("lead") }}
from (
  select
    record.*,
    coalesce({{ full_name() }}, record.company) as name,
    {{ outcome_of("lead", "record.status") }} as outcome
  from ({{ union_of("stg_opencrm__leads", "stg_espocrm__lead") }}) as record
  {{ join_vocabulary("'lead'", "record.status") }}
)
