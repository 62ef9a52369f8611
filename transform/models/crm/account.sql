select {{ declared_columns() }}{{ custom_columns("account") }}
from ({{ union_of("stg_opencrm__companies", "stg_espocrm__account") }})
