with record as (
  {{ union_of("stg_opencrm__opportunities", "stg_espocrm__opportunity") }}
),

judged as (
  select
    record.*,
    {{ outcome_of("opportunity", "record.stage") }} as outcome,
    coalesce(word.place, case outcome when 'won' then 900 when 'lost' then 1000 else 500 end) as stage_order,
    last_word.place as last_open_stage_order,
    coalesce(record.probability, word.chance) as given_probability
  from record
  {{ join_vocabulary("'opportunity'", "record.stage") }}
  {{ join_vocabulary("'opportunity'", "record.last_open_stage", "last_word") }}
)

select {{ declared_columns() }}{{ custom_columns("opportunity") }}
from (
  select
    * exclude (probability),
    case outcome when 'won' then 100 when 'lost' then 0 else least(greatest(given_probability, 0), 100) end as probability,
    cast(cast(amount_base as double) * probability / 100 as decimal(28, 4)) as weighted_amount_base,
    case when outcome <> 'open' then coalesce(close_date, cast(modified_at_local as date)) end as closed_on
  from judged
)
