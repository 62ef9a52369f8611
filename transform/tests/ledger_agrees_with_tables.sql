{#- A raw table holds the rows the ledger says were inserted, less what was deleted for good. A warning: somebody may have emptied either. -#}
{{ config(severity="warn") }}
select health.schema_name, health.stream, health.rows_in_table, ledger.inserted, ledger.deleted
from {{ ref("load_health") }} as health
join (
  select schema_name, table_name, sum(rows_inserted) as inserted, sum(rows_deleted) as deleted
  from ({{ ledger("streams") }})
  group by all
) as ledger on ledger.schema_name = health.schema_name and ledger.table_name = health.stream
where health.rows_in_table not between ledger.inserted - coalesce(ledger.deleted, 0) and ledger.inserted
