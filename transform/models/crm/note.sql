select {{ declared_columns() }}
from {{ ref("stg_espocrm__note") }}
