{# All rows of several staging models, columns matched by name. #}
{% macro union_of() -%}
  {%- for name in varargs %}
    {{ "union all by name" if not loop.first }} select * from {{ ref(name) }}
  {%- endfor %}
{%- endmacro %}


{# The columns the YAML of this model lists, in its order: what a model hands on never depends on what came in. #}
{% macro declared_columns() -%}
  {%- for name, column in model.columns.items() %}
  {{ to_pennies(name) if column.data_type == "DECIMAL(28,2)" else "cast(" ~ name ~ " as " ~ column.data_type ~ ")" }} as {{ name }}{{ "," if not loop.last }}
  {%- endfor %}
{%- endmacro %}


{# Money to the penny. DuckDB drops decimals of wide numbers forty times slower than those of narrow ones; so a narrow
   one, made by way of a double, is taken where it says the same. #}
{% macro to_pennies(money) -%}
  {%- set narrow = "try_cast(cast(" ~ money ~ " as double) as decimal(18, 4))" -%}
  {{ return("case when cast(" ~ narrow ~ " as decimal(38, 9)) = " ~ money ~ " then cast(" ~ narrow ~ " as decimal(28, 2))"
    ~ " else cast(" ~ money ~ " as decimal(28, 2)) end") }}
{%- endmacro %}


{# A column for each custom field that the seed custom_fields names for an entity, read out of custom_fields. #}
{% macro custom_columns(entity) -%}
  {%- for field in custom_fields_of(entity) %},
  case
    {%- for part in field.parts %}
    when source = '{{ part.source }}'
      then {{ cleaned("crm", "(custom_fields ->> '" ~ part.path ~ "')", "VARCHAR", field.type, "choice" if field.type == "VARCHAR" else "plain") }}
    {%- endfor %}
  end as {{ quoted(field.name) }}
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
