{{ config(post_hook="{{ comment_custom_columns('project') }}") }}
select {{ declared_columns() }}{{ custom_columns("project") }}
from {{ ref("stg_opencrm__projects") }}
