{#- Each model of the crm schema holds exactly the records of the staging models it is made of. -#}
{%- set models = {
  "account": ["stg_opencrm__companies", "stg_espocrm__account"],
  "contact": ["stg_opencrm__contacts", "stg_espocrm__contact"],
  "lead": ["stg_opencrm__leads", "stg_espocrm__lead"],
  "opportunity": ["stg_opencrm__opportunities", "stg_espocrm__opportunity"],
  "activity": ["stg_opencrm__activities", "stg_espocrm__call", "stg_espocrm__meeting", "stg_espocrm__task", "stg_espocrm__email"],
  "ticket": ["stg_opencrm__tickets", "stg_espocrm__case"],
  "document": ["stg_opencrm__quotes", "stg_opencrm__sales_orders", "stg_opencrm__invoices", "stg_opencrm__purchase_orders"],
} -%}
{%- for model, parts in models.items() %}
{{ "union all" if not loop.first }}
select '{{ model }}' as model, (select count(*) from {{ ref(model) }}) as records, staged.records as expected
from (select {% for part in parts %}(select count(*) from {{ ref(part) }}){{ " + " if not loop.last }}{% endfor %} as records) as staged
where staged.records <> (select count(*) from {{ ref(model) }})
{%- endfor %}
