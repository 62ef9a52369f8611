with found as (
  {%- for entity, column in {"opportunity": "stage", "lead": "status", "ticket": "status", "activity": "status", "document": "status"}.items() %}
  {{ "union all" if not loop.first }}
  select source, {{ "type" if entity == "document" else "'" ~ entity ~ "'" }} as entity, {{ column }} as status, outcome, count(*) as records
  from {{ ref(entity) }} where not is_deleted and {{ column }} is not null group by all
  {%- endfor %}
)

select {{ declared_columns() }}
from (
  select found.*, word.sort_order, word.status is not null as is_in_vocabulary
  from found
  left join {{ ref("status_vocabulary") }} as word
    on word.source = found.source and word.entity = found.entity and lower(word.status) = lower(found.status)
)
