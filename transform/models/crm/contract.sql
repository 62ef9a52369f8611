{{ config(post_hook="{{ comment_custom_columns('contract') }}") }}
select {{ declared_columns() }}{{ custom_columns("contract") }}
from {{ ref("stg_opencrm__contracts") }}
