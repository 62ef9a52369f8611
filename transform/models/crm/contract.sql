select {{ declared_columns() }}{{ custom_columns("contract") }}
from {{ ref("stg_opencrm__contracts") }}
