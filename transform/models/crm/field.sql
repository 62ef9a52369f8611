select {{ declared_columns() }}
from (
  select
    case schema_name when '{{ var("opencrm_schema") }}' then 'opencrm' else 'espocrm' end as source,
    table_name as stream,
    column_name as field,
    data_type as type,
    split_part(comment, ': ', 1) as label,
    comment as description,
    nullif(regexp_extract(comment, 'Options: (.*?)\.?$', 1), '') as options,
    case source
      {%- for name, pattern in var("custom_field_pattern").items() %}
      when '{{ name }}' then regexp_matches(column_name, '{{ pattern }}')
      {%- endfor %}
    end as is_custom
  from duckdb_columns()
  where database_name = current_database() and schema_name in ('{{ var("opencrm_schema") }}', '{{ var("espocrm_schema") }}')
    and not ends_with(table_name, '__live') and not starts_with(column_name, '_')
)
