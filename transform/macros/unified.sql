{# All rows of several staging models, columns matched by name. #}
{% macro union_of() -%}
  {%- for name in varargs %}
    {{ "union all by name" if not loop.first }} select * from {{ ref(name) }}
  {%- endfor %}
{%- endmacro %}


{# The columns the YAML of this model lists, in its order: what a model hands on never depends on what came in. #}
{% macro declared_columns() -%}
  {%- for name, column in model.columns.items() %}
  cast({{ name }} as {{ column.data_type }}) as {{ name }}{{ "," if not loop.last }}
  {%- endfor %}
{%- endmacro %}


{# A column for each custom field that the seed custom_fields names for an entity, read out of custom_fields. #}
{% macro custom_columns(entity) -%}
  {%- for field in custom_fields_of(entity) %},
  try_cast(case {% for part in field.parts %}when source = '{{ part.source }}' then custom_fields ->> '{{ part.path }}' {% endfor %}end as {{ field.type }}) as {{ quoted(field.name) }}
  {%- endfor %}
{%- endmacro %}


{# The seed's rows of an entity, those of both CRMs with one name put together. #}
{% macro custom_fields_of(entity) -%}
  {%- set fields = {} -%}
  {%- set seed = ref("custom_fields") -%}
  {%- if execute -%}
    {%- set query -%}
      select name, type, description, source, '$."' || replace(replace(field, '"', '\\"'), '''', '''''') || '"'
      from {{ seed }} where entity = '{{ entity }}' order by name, source
    {%- endset -%}
    {%- for row in run_query(query).rows -%}
      {%- set field = fields.setdefault(row[0], {"name": row[0], "type": row[1], "description": row[2], "parts": []}) -%}
      {%- do field.parts.append({"source": row[3], "path": row[4]}) -%}
    {%- endfor -%}
  {%- endif -%}
  {{ return(fields.values() | list) }}
{%- endmacro %}


{# After a model is built: the descriptions of its custom columns as comments. #}
{% macro comment_custom_columns(entity) -%}
  {%- for field in custom_fields_of(entity) %}
    comment on column {{ this }}.{{ quoted(field.name) }} is '{{ (field.description or field.name) | replace("'", "''") }}';
  {%- endfor %}
{%- endmacro %}
