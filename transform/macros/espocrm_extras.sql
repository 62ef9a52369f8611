{# The names of EspoCRM's raw tables that have a key `id` (or, for links, none) and no model of their own. #}
{% macro tables_like(condition) -%}
  {%- set names = [] -%}
  {%- if execute -%}
    {%- set query -%}
      select table_name from duckdb_tables()
      where database_name = current_database() and schema_name = '{{ var("espocrm_schema") }}' and {{ condition }}
      order by table_name
    {%- endset -%}
    {%- for row in run_query(query).rows -%}
      {%- do names.append(row[0]) -%}
    {%- endfor -%}
  {%- endif -%}
  {{ return(names) }}
{%- endmacro %}


{# Every link table of EspoCRM as pairs; what is neither of the two keys goes into `columns`. #}
{% macro linked() -%}
  {%- set tables = tables_like("table_name like '%\\_\\_%' escape '\\' and table_name not like '%\\_\\_live' escape '\\'") -%}
  {%- for table in tables %}
    {%- set found = columns_of(api.Relation.create(schema=var("espocrm_schema"), identifier=table)) -%}
    {%- set names = found.values() | map(attribute="name") | list -%}
  {{ "union all" if not loop.first }}
  select
    'espocrm' as source, '{{ table }}' as link, '{{ table.split("__")[0] }}' as left_entity, '{{ table.split("__")[1] }}' as right_link,
    'espocrm:' || cast({{ quoted(names[0]) }} as varchar) as left_id,
    'espocrm:' || cast({{ quoted(names[1]) }} as varchar) as right_id,
    json_object({% for name in names[2:] if not name.startswith("_") %}{{ "," if not loop.first }} '{{ name | replace("'", "''") }}', {{ quoted(name) }}{% endfor %}) as columns,
    {{ "_sdc_deleted_at is not null" if "_sdc_deleted_at" in found else "false" }} as is_deleted
  from {{ quoted(var("espocrm_schema")) }}.{{ quoted(table) }}
  {%- else %}
  {{ no_rows() }}
  {%- endfor %}
{%- endmacro %}


{# Every record of an EspoCRM table that no staging model reads, custom entities among them, whole as JSON. #}
{% macro unmodelled() -%}
  {%- set modelled = graph.sources.values() | selectattr("source_name", "equalto", "espocrm") | map(attribute="identifier") | list if execute else [] -%}
  {%- set selects = [] -%}
  {%- for table in tables_like("not contains(table_name, '__')") if table not in modelled -%}
    {%- set found = columns_of(api.Relation.create(schema=var("espocrm_schema"), identifier=table)) -%}
    {%- if "id" in found -%}
      {%- set select -%}
  select
    '{{ table }}' as entity, 'espocrm' as source,
    {%- for name, type, kind, attributes in [
      ("id", "VARCHAR", "reference", ["id"]), ("source_id", "VARCHAR", "key", ["id"]), ("name", "VARCHAR", "plain", ["name"]),
      ("created_at", "TIMESTAMP", "plain", ["createdAt"]), ("modified_at", "TIMESTAMP", "plain", ["modifiedAt"]),
      ("is_deleted", "BOOLEAN", "flag", ["_sdc_deleted_at", "deleted"])] %}
    {{ staged_column("espocrm", found, {"data_type": type, "config": {"meta": {"from": attributes, "kind": kind}}}) }} as {{ name }},
    {%- endfor %}
    to_json(record) as fields
  from {{ quoted(var("espocrm_schema")) }}.{{ quoted(table) }} as record
      {%- endset -%}
      {%- do selects.append(select) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ selects | join("\n  union all\n") or no_rows() }}
{%- endmacro %}


{# The declared columns without a row. #}
{% macro no_rows() -%}
  select {% for name, column in model.columns.items() %}cast(null as {{ column.data_type }}) as {{ name }}{{ ", " if not loop.last }}{% endfor %}
  where false
{%- endmacro %}
