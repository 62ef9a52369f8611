{%- set types = ["quote", "sales_order", "invoice", "purchase_order"] -%}
with line as (
  {%- for type in types %}
  {{ "union all by name" if not loop.first }} select *, '{{ type }}' as document_type from {{ ref("stg_opencrm__" ~ type ~ "_lines") }}
  {%- endfor %}
),

document as (
  {%- for type in types %}
  {{ "union all" if not loop.first }} select id, modified_at from {{ ref("stg_opencrm__" ~ type ~ "s") }}
  {%- endfor %}
),

priced as (
  select
    line.* exclude (discount, is_deleted),
    line.is_deleted or coalesce(line.document_modified_at < document.modified_at, false) as is_deleted,
    cast(line.quantity as decimal(18, 6)) * cast(line.unit_price as decimal(18, 6)) as full_price,
    coalesce(nullif(line.discount, 0), cast(full_price * cast(line.discount_percent / 100 as decimal(9, 6)) as decimal(38, 9)), line.discount) as discount
  from line
  left join document on document.id = line.document_id
)

select {{ declared_columns() }}
from (select * exclude (line_total), coalesce(line_total, full_price - coalesce(discount, 0)) as line_total from priced)
