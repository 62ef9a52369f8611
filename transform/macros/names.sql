{# First and last name, or nothing. #}
{% macro full_name() -%}
nullif(trim(concat_ws(' ', trim(first_name), trim(last_name))), '')
{%- endmacro %}
