-- BI tools choke on JSON, lists, structs, HUGEINT, UUID and times with zones.
select table_name, column_name, data_type
from duckdb_columns()
where database_name = current_database() and schema_name = 'bi'
  and data_type not in ('BIGINT', 'DOUBLE', 'VARCHAR', 'BOOLEAN', 'DATE', 'TIMESTAMP') and data_type not like 'DECIMAL%'
-- depends_on: {{ ref("load_health") }} {{ ref("data_quality") }} {{ ref("account_360") }} {{ ref("sales_pipeline") }}
