{# The moment the build is for, UTC: now, or what the variable as_of says. #}
{% macro now_utc() -%}
timezone('UTC', timestamptz '{{ var("as_of") or run_started_at.isoformat() }}')
{%- endmacro %}


{# The day the build is for, in the zone of the project. #}
{% macro today() -%}
cast({{ local_time(now_utc()) }} as date)
{%- endmacro %}
