{{ config(post_hook="{{ comment_custom_columns('product') }}") }}
select {{ declared_columns() }}{{ custom_columns("product") }}
from {{ ref("stg_opencrm__products") }}
