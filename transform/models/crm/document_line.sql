select {{ declared_columns() }}
from (
  select
    * exclude (line_total),
    coalesce(line_total, cast(quantity as decimal(18, 6)) * cast(unit_price as decimal(18, 6)) - coalesce(discount, 0)) as line_total
  from (
    {%- for type in ["quote", "sales_order", "invoice", "purchase_order"] %}
    {{ "union all by name" if not loop.first }} select *, '{{ type }}' as document_type from {{ ref("stg_opencrm__" ~ type ~ "_lines") }}
    {%- endfor %}
  )
)
