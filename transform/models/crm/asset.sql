select {{ declared_columns() }}{{ custom_columns("asset") }}
from {{ ref("stg_opencrm__assets") }}
