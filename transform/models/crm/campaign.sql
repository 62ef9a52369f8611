select {{ declared_columns() }}{{ custom_columns("campaign") }}
from {{ ref("stg_espocrm__campaign") }}
