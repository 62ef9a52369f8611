select {{ declared_columns() }}{{ custom_columns("contact") }}
from (
  select *, {{ full_name() }} as name
  from ({{ union_of("stg_opencrm__contacts", "stg_espocrm__contact") }})
)
