{#- entity, short name, condition that makes a record fail, severity, what is wrong; `day` stands for today. -#}
{%- set checks = [
  ("account", "no name", "coalesce(trim(name), '') = ''", "error", "Accounts without a name."),
  ("account", "same name twice", "count(*) over (partition by source, lower(trim(name))) > 1 and trim(name) <> ''", "warning", "Accounts whose name another account has as well."),
  ("account", "no owner", "owner_id is null", "warning", "Accounts that belong to nobody."),
  ("contact", "no e-mail", "email is null", "warning", "Contacts without an e-mail address."),
  ("contact", "bad e-mail", "email is not null and not regexp_full_match(email, '[^@\\s]+@[^@\\s]+\\.[^@\\s]+')", "warning", "Contacts whose e-mail address cannot be one."),
  ("contact", "same e-mail twice", "email is not null and count(*) over (partition by source, lower(email)) > 1", "warning", "Contacts whose e-mail address another contact has as well."),
  ("contact", "no account", "account_id is null", "warning", "Contacts that belong to no account."),
  ("contact", "unknown account", "account_id is not null and account_id not in (select id from " ~ ref("account") ~ " where not is_deleted)", "warning", "Contacts of an account that is deleted or cannot be read."),
  ("lead", "no e-mail and no phone", "email is null and phone is null", "warning", "Leads nobody can reach."),
  ("opportunity", "no amount", "amount is null or amount = 0", "error", "Opportunities without an amount."),
  ("opportunity", "negative amount", "amount < 0", "error", "Opportunities with an amount below zero."),
  ("opportunity", "no closing date", "close_date is null", "error", "Opportunities without a closing date."),
  ("opportunity", "overdue", "outcome = 'open' and close_date < " ~ today(), "warning", "Open opportunities whose closing date has passed."),
  ("opportunity", "closed in the future", "outcome <> 'open' and close_date > " ~ today(), "warning", "Closed opportunities whose closing date is still to come."),
  ("opportunity", "closed before made", "closed_on < cast(created_at_local as date)", "warning", "Opportunities closed before the day they were made."),
  ("opportunity", "no account", "account_id is null", "warning", "Opportunities that belong to no account."),
  ("opportunity", "unknown account", "account_id is not null and account_id not in (select id from " ~ ref("account") ~ " where not is_deleted)", "warning", "Opportunities of an account that is deleted or cannot be read."),
  ("opportunity", "no owner", "owner_id is null", "warning", "Opportunities that belong to nobody."),
  ("opportunity", "unknown stage", "stage is null or (source, lower(stage)) not in (select (source, lower(status)) from " ~ ref("status_vocabulary") ~ " where entity = 'opportunity')", "error", "Opportunities in a stage that the seed status_vocabulary does not list: its meaning is guessed."),
  ("activity", "planned in the past", "outcome = 'planned' and activity_date < " ~ today(), "warning", "Activities still planned though their day has passed."),
  ("activity", "no owner", "owner_id is null", "warning", "Activities that belong to nobody."),
  ("ticket", "no account", "account_id is null", "warning", "Tickets that belong to no account."),
  ("ticket", "closing day guessed", "closed_on_is_exact = false", "warning", "Closed tickets whose CRM does not say when: the day of the last change is taken."),
  ("document", "no total", "net_total is null", "error", "Documents without a total."),
  ("document", "no account", "account_id is null", "warning", "Documents that belong to no account."),
] -%}
{#- One pass per entity: every check of it is a column, then each column a row. -#}
with
{%- for entity in checks | map(attribute=0) | unique %}
{{ entity }}_flags as (
  select
    source, source_id
    {%- for check in checks if check[0] == entity %},
    coalesce({{ check[2] }}, false) as check_{{ checks.index(check) }}
    {%- endfor %}
  from {{ ref(entity) }}
  where not is_deleted
),
{%- endfor %}

counted as (
  {%- for entity in checks | map(attribute=0) | unique %}
  {{ "union all by name" if not loop.first }}
  select
    source, count(*) as records
    {%- for check in checks if check[0] == entity %},
    count(*) filter (check_{{ checks.index(check) }}) as failing_{{ checks.index(check) }},
    min(source_id) filter (check_{{ checks.index(check) }}) as example_{{ checks.index(check) }}
    {%- endfor %},
    '{{ entity }}' as of_entity
  from {{ entity }}_flags
  group by source
  {%- endfor %}
)

select {{ declared_columns() }}
from (
  {%- for entity, name, condition, severity, description in checks %}
  {{ "union all" if not loop.first }}
  select
    {{ source_label("source") }} as source, '{{ entity }}' as entity, '{{ name }}' as check_name, '{{ description }}' as description,
    '{{ severity }}' as severity, records, failing_{{ loop.index0 }} as failing, failing_{{ loop.index0 }} / records as share_failing,
    example_{{ loop.index0 }} as example_id
  from counted
  where of_entity = '{{ entity }}'
  {%- endfor %}
)
