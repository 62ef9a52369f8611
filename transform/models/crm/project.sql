select {{ declared_columns() }}{{ custom_columns("project") }}
from {{ ref("stg_opencrm__projects") }}
