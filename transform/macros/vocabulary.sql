{# Joins what the seed status_vocabulary says of a status; needs the record as `record`. #}
{% macro join_vocabulary(entity, status, word="word") -%}
left join (
  select source as of_source, entity as of_entity, status as of_status, outcome as meaning, sort_order as place, probability as chance
  from {{ ref("status_vocabulary") }}
) as {{ word }}
  on {{ word }}.of_source = record.source and {{ word }}.of_entity = {{ entity }} and lower({{ word }}.of_status) = lower({{ status }})
{%- endmacro %}


{# What a status means: as the seed says, else by the first pattern of `unknown_status` that its text matches. #}
{% macro outcome_of(entity, status, word="word") -%}
coalesce({{ word }}.meaning, case
  {%- for pattern, outcome in var("unknown_status")[entity].items() %}
  {{ "else '" ~ outcome ~ "'" if loop.last else "when regexp_matches(lower(" ~ status ~ "), '" ~ pattern ~ "') then '" ~ outcome ~ "'" }}
  {%- endfor %} end)
{%- endmacro %}
