{% snapshot opportunity_versions %}
{{ config(
  unique_key="id",
  strategy="check",
  check_cols=["stage", "outcome", "amount", "currency", "close_date", "owner_id", "is_deleted"],
  updated_at="modified_at",
  hard_deletes="invalidate",
) }}
select
  id, source, stage, stage_order, outcome, amount, currency, amount_base, weighted_amount_base, close_date, closed_on, owner_id, is_deleted, created_at, cast(created_at_local as date) as created_on,
  greatest(coalesce(modified_at, created_at), coalesce(deleted_at, modified_at, created_at)) as modified_at
from {{ ref("opportunity") }}
{% endsnapshot %}
