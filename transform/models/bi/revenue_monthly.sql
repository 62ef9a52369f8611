{%- set kinds = {"quote": ["quotes", "quoted_net"], "sales_order": ["orders", "ordered_net"], "invoice": ["invoices", "invoiced_net"],
  "purchase_order": ["purchase_orders", "purchased_net"]} -%}
with entry as (
  select source, closed_on as day, 'won' as kind, amount_base as net, cast(null as decimal(38, 9)) as gross
  from {{ ref("opportunity") }}
  where outcome = 'won' and not is_deleted
  union all
  select source, document_date, type, net_total, gross_total
  from {{ ref("document") }}
  where outcome <> 'cancelled' and not is_deleted
  union all
  select source, paid_on, 'paid', net_total, gross_total
  from {{ ref("document") }}
  where type = 'invoice' and outcome <> 'cancelled' and not is_deleted and paid_on is not null
)

select {{ declared_columns() }}
from (
  select
    {{ source_label("source") }} as source,
    date_trunc('month', day) as month,
    count(*) filter (kind = 'won') as won,
    coalesce(sum(net) filter (kind = 'won'), 0) as won_amount_base,
    {%- for kind, (number, money) in kinds.items() %}
    count(*) filter (kind = '{{ kind }}') as {{ number }},
    coalesce(sum(net) filter (kind = '{{ kind }}'), 0) as {{ money }},
    {%- endfor %}
    coalesce(sum(gross) filter (kind = 'invoice'), 0) as invoiced_gross,
    count(*) filter (kind = 'paid') as paid_invoices,
    coalesce(sum(gross) filter (kind = 'paid'), 0) as paid_gross,
    {{ base_currency("any_value(entry.source)") }} as base_currency
  from entry
  where day is not null
  group by 1, 2
)
