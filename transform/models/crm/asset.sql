{{ config(post_hook="{{ comment_custom_columns('asset') }}") }}
select {{ declared_columns() }}{{ custom_columns("asset") }}
from {{ ref("stg_opencrm__assets") }}
