{# A staging model: every column its YAML declares, taken from a raw table that may lack it, or lack altogether. #}
{% macro staged(source_name, stream) -%}
  {%- set raw = source(source_name, stream) -%}
  {%- set found = columns_of(raw) -%}
  select
  {%- for name, column in model.columns.items() %}
    {{ staged_column(source_name, found, column) }} as {{ name }}{{ "," if not loop.last }}
  {%- endfor %}
  {{ "from " ~ raw.include(database=false) if found else "where false" }}
{%- endmacro %}


{# The columns a raw table has: lower-case name -> {name, type}; empty where there is no such table. #}
{% macro columns_of(raw) -%}
  {%- set found = {} -%}
  {%- if execute -%}
    {%- set query -%}
      select column_name, data_type from duckdb_columns()
      where database_name = current_database() and schema_name = '{{ raw.schema }}' and table_name = '{{ raw.identifier }}'
      order by column_index
    {%- endset -%}
    {%- for row in run_query(query).rows -%}
      {%- do found.update({row[0] | lower: {"name": row[0], "type": row[1]}}) -%}
    {%- endfor -%}
  {%- endif -%}
  {{ return(found) }}
{%- endmacro %}


{# The expression of one declared column: the first attribute of `from` that holds a value, else a typed NULL. #}
{% macro staged_column(source_name, found, column) -%}
  {%- set meta = column.config.meta -%}
  {%- set kind = meta.get("kind", "plain") -%}
  {%- if kind == "source" -%}
    {{ return("'" ~ source_name ~ "'") }}
  {%- elif kind == "custom" -%}
    {{ return(custom_object(source_name, found)) }}
  {%- endif -%}
  {%- set values = [] -%}
  {%- for attribute in meta.get("from", []) if attribute | lower in found -%}
    {%- set attribute = found[attribute | lower] -%}
    {%- do values.append(cleaned(source_name, quoted(attribute.name), attribute.type, column.data_type, kind)) -%}
  {%- endfor -%}
  {%- if kind == "flag" -%}
    {{ return(values | join(" or ") or "false") }}
  {%- endif -%}
  {%- set fallback = "cast(null as " ~ column.data_type ~ ")" -%}
  {{ return("coalesce(" ~ values | join(", ") ~ ")" if values | length > 1 else (values | first or fallback)) }}
{%- endmacro %}


{# Every custom field of a raw table as one JSON object. #}
{% macro custom_object(source_name, found) -%}
  {%- set pairs = [] -%}
  {%- for attribute in found.values() if modules.re.match(var("custom_field_pattern")[source_name], attribute.name) -%}
    {%- set value = quoted(attribute.name) -%}
    {%- do pairs.append("'" ~ attribute.name | replace("'", "''") ~ "', " ~ (text_of(source_name, value, "VARCHAR") if attribute.type == "VARCHAR" else value)) -%}
  {%- endfor -%}
  {{ return("json_object(" ~ pairs | join(", ") ~ ")") }}
{%- endmacro %}


{% macro quoted(name) -%}
  {{ return('"' ~ name | replace('"', '""') ~ '"') }}
{%- endmacro %}
