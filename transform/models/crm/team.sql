select {{ declared_columns() }}
from {{ ref("stg_espocrm__team") }}
