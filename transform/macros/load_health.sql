{# The ledger's tables with the columns the health report reads; missing ones read as empty. #}
{% macro ledger(table) -%}
  {%- set columns = {
    "runs": {"run_id": "VARCHAR", "started_at": "TIMESTAMP", "committed_at": "TIMESTAMP", "status": "VARCHAR"},
    "streams": {
      "run_id": "VARCHAR", "schema_name": "VARCHAR", "table_name": "VARCHAR", "stream": "VARCHAR", "rows_in": "BIGINT",
      "rows_inserted": "BIGINT", "rows_updated": "BIGINT", "rows_superseded": "BIGINT", "rows_rejected": "BIGINT",
      "rows_deleted": "BIGINT", "seconds": "DOUBLE"},
    "rejected_values": {"schema_name": "VARCHAR", "stream": "VARCHAR"},
    "schema_changes": {"schema_name": "VARCHAR", "table_name": "VARCHAR"},
  }[table] -%}
  {%- set raw = api.Relation.create(schema=var("ledger_schema"), identifier=table) -%}
  {%- set found = columns_of(raw) -%}
  select
  {%- for name, type in columns.items() %}
    {{ staged_column("ledger", found, {"data_type": type, "config": {"meta": {"from": [name]}}}) }} as {{ name }}{{ "," if not loop.last }}
  {%- endfor %}
  {{ "from " ~ quoted(raw.schema) ~ "." ~ quoted(raw.identifier) if found else "where false" }}
{%- endmacro %}


{# How many rows every raw table holds, from the tables themselves. #}
{% macro raw_row_counts() -%}
  {%- set selects = [] -%}
  {%- if execute -%}
    {%- set query -%}
      select schema_name, table_name from duckdb_tables()
      where database_name = current_database() and schema_name in ('{{ var("opencrm_schema") }}', '{{ var("espocrm_schema") }}')
        and not ends_with(table_name, '__live')
      order by all
    {%- endset -%}
    {%- for schema, table in run_query(query).rows -%}
      {%- do selects.append("select '" ~ schema ~ "' as schema_name, '" ~ table ~ "' as table_name, count(*) as rows_in_table from " ~ quoted(schema) ~ "." ~ quoted(table)) -%}
    {%- endfor -%}
  {%- endif -%}
  {{ selects | join("\n  union all ") or "select '' as schema_name, '' as table_name, 0 as rows_in_table where false" }}
{%- endmacro %}


{# One row per stream: its last run, its last good run, and what the raw table holds. #}
{% macro load_health() -%}
with run as ({{ ledger("runs") }}),

load as (
  select
    stream.* exclude (run_id), run.started_at, run.committed_at,
    coalesce(lower(run.status) in ({{ "'" ~ var("run_succeeded") | join("', '") ~ "'" }}), false) as succeeded,
    row_number() over (partition by stream.schema_name, stream.table_name order by run.started_at desc) as age
  from ({{ ledger("streams") }}) as stream
  join run on run.run_id = stream.run_id
),

history as (
  select
    schema_name, table_name, count(*) as runs, count(*) filter (not succeeded) as failed_runs,
    max(committed_at) filter (succeeded) as last_success_at
  from load
  group by all
),

refused as (
  select schema_name, stream, count(*) as values_rejected from ({{ ledger("rejected_values") }}) group by all
),

changed as (
  select schema_name, table_name, count(*) as schema_changes from ({{ ledger("schema_changes") }}) group by all
),

held as (
  {{ raw_row_counts() }}
)

select {{ declared_columns() }}
from (
  select
    coalesce(load.stream, held.table_name) as stream,
    schema_name,
    load.started_at as last_run_at,
    {{ local_time("load.started_at") }} as last_run_at_local,
    history.last_success_at,
    round(date_diff('second', history.last_success_at, {{ now_utc() }}) / 3600, 2) as hours_since_success,
    load.seconds as duration_seconds,
    coalesce(history.runs, 0) as runs,
    coalesce(history.failed_runs, 0) as failed_runs,
    load.rows_in, load.rows_inserted, load.rows_updated, load.rows_superseded, load.rows_rejected, load.rows_deleted,
    held.rows_in_table,
    coalesce(refused.values_rejected, 0) as values_rejected,
    coalesce(changed.schema_changes, 0) as schema_changes,
    case
      when load.stream is null then 'not recorded'
      when not load.succeeded then 'failed'
      when hours_since_success > {{ var("late_after_hours") }} then 'late'
      when load.rows_rejected > 0 or refused.values_rejected > 0 then 'rejected'
      else 'ok'
    end as status
  from held
  full join (select * from load where age = 1 and not ends_with(table_name, '__live')) as load using (schema_name, table_name)
  left join history using (schema_name, table_name)
  left join refused on refused.schema_name = schema_name and refused.stream = load.stream
  left join changed using (schema_name, table_name)
)
{%- endmacro %}
