with record as (
  {%- for type in ["quote", "sales_order", "invoice", "purchase_order"] %}
  {{ "union all by name" if not loop.first }} select *, '{{ type }}' as type from {{ ref("stg_opencrm__" ~ type ~ "s") }}
  {%- endfor %}
),

line as (
  select document_id, sum(line_total) as total
  from {{ ref("document_line") }}
  where not is_deleted
  group by document_id
)

select {{ declared_columns() }}{{ custom_columns("document") }}
from (
  select
    record.*,
    {{ outcome_of("document", "record.status") }} as outcome,
    coalesce(record.subtotal, line.total) as net_total,
    record.total as gross_total,
    record.subtotal is null and line.total is not null as is_total_from_lines
  from record
  {{ join_vocabulary("record.type", "record.status") }}
  left join line on line.document_id = record.id
)
