select {{ declared_columns() }}
from (
  select
    {{ source_label("source") }} as source,
    closed_month,
    outcome,
    count(*) as opportunities,
    avg(days) as average_days,
    median(days) as median_days,
    quantile_cont(days, 0.9) as slowest_tenth_days,
    sum(amount_base) / nullif(count(amount_base), 0) as average_amount_base,
    coalesce(sum(amount_base), 0) as total_amount_base,
    {{ base_currency("any_value(deal.source)") }} as base_currency
  from (
    select
      source, outcome, amount_base,
      date_trunc('month', closed_on) as closed_month,
      greatest(closed_on - cast(created_at_local as date), 0) as days
    from {{ ref("opportunity") }}
    where outcome <> 'open' and not is_deleted
  ) as deal
  group by 1, 2, 3
)
