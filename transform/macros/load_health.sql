{# The ledger's tables with the columns the health report reads; missing ones read as empty. #}
{% macro ledger(table) -%}
  {%- set columns = {
    "runs": {"run_id": "VARCHAR", "target_schema": "VARCHAR", "started_at": "TIMESTAMP", "committed_at": "TIMESTAMP", "status": "VARCHAR"},
    "streams": {
      "run_id": "VARCHAR", "schema_name": "VARCHAR", "table_name": "VARCHAR", "stream": "VARCHAR", "rows_in": "BIGINT",
      "rows_inserted": "BIGINT", "rows_updated": "BIGINT", "rows_superseded": "BIGINT", "rows_rejected": "BIGINT",
      "rows_deleted": "BIGINT", "seconds": "DOUBLE"},
    "rejected_values": {"schema_name": "VARCHAR", "table_name": "VARCHAR"},
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


{# One row per raw table: how the last load of its schema went, and what the last load that brought rows for it did. #}
{% macro load_health() -%}
with run as (
  select
    *, coalesce(lower(status) in ({{ "'" ~ var("run_succeeded") | join("', '") ~ "'" }}), false) as succeeded,
    row_number() over (partition by target_schema order by started_at desc) as age
  from ({{ ledger("runs") }})
),

schema_load as (
  select
    target_schema as schema_name,
    max(started_at) as last_run_at,
    max(committed_at) filter (succeeded) as last_success_at,
    bool_or(succeeded) filter (age = 1) as last_succeeded,
    count(*) as runs,
    count(*) filter (not succeeded) as failed_runs
  from run
  group by all
),

stream_load as (
  select stream.*, run.started_at, row_number() over (partition by stream.schema_name, stream.table_name order by run.started_at desc) as age
  from ({{ ledger("streams") }}) as stream
  join run on run.run_id = stream.run_id
  where stream.rows_in > 0 or stream.rows_deleted > 0
),

refused as (
  select schema_name, table_name, count(*) as values_rejected from ({{ ledger("rejected_values") }}) group by all
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
    held.table_name as stream,
    held.schema_name,
    schema_load.last_run_at,
    {{ local_time("schema_load.last_run_at") }} as last_run_at_local,
    schema_load.last_success_at,
    round(greatest(date_diff('second', schema_load.last_success_at, {{ now_utc() }}), 0) / 3600, 2) as hours_since_success,
    coalesce(schema_load.runs, 0) as runs,
    coalesce(schema_load.failed_runs, 0) as failed_runs,
    stream_load.started_at as last_rows_at,
    stream_load.seconds as duration_seconds,
    stream_load.rows_in, stream_load.rows_inserted, stream_load.rows_updated, stream_load.rows_superseded, stream_load.rows_rejected,
    stream_load.rows_deleted,
    held.rows_in_table,
    coalesce(refused.values_rejected, 0) as values_rejected,
    coalesce(changed.schema_changes, 0) as schema_changes,
    case
      when schema_load.runs is null then 'not recorded'
      when not schema_load.last_succeeded then 'failed'
      when hours_since_success > {{ var("late_after_hours") }} then 'late'
      when stream_load.rows_rejected > 0 or refused.values_rejected > 0 then 'rejected'
      when held.rows_in_table = 0 then 'empty'
      else 'ok'
    end as status
  from held
  left join schema_load using (schema_name)
  left join (select * from stream_load where age = 1) as stream_load using (schema_name, table_name)
  left join refused using (schema_name, table_name)
  left join changed using (schema_name, table_name)
)
{%- endmacro %}
