{{ config(post_hook="{{ comment_custom_columns('account') }}") }}
select {{ declared_columns() }}{{ custom_columns("account") }}
from ({{ union_of("stg_opencrm__companies", "stg_espocrm__account") }})
