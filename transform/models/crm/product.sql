select {{ declared_columns() }}{{ custom_columns("product") }}
from {{ ref("stg_opencrm__products") }}
