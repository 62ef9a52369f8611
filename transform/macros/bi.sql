{# The name of a CRM as people write it. #}
{% macro source_label(source) -%}
case {{ source }} when 'opencrm' then 'OpenCRM' when 'espocrm' then 'EspoCRM' else {{ source }} end
{%- endmacro %}


{# The base currency of a CRM. #}
{% macro base_currency(source) -%}
case {{ source }}
{%- for name, currency in var("base_currency").items() %} when '{{ name }}' then '{{ currency }}'{% endfor %} end
{%- endmacro %}


{# One row per day of a daily model: the last `history_days` days, or fewer where the data is younger. #}
{% macro days_since(first_day) -%}
select cast(unnest(generate_series(
  greatest({{ first_day }}, {{ today() }} - {{ var("history_days") }}), {{ today() }}, interval 1 day)) as date) as day
{%- endmacro %}


{# The first day a daily model shows. #}
{% macro first_day_shown() -%}
({{ today() }} - {{ var("history_days") }})
{%- endmacro %}
