{# A model in one transaction and one round trip: created in place of its predecessor, with all its comments.

   dbt's own table and view build beside, rename twice, drop and look at columns between: six round trips per model, most
   of the time a small warehouse needs. #}
{% materialization rebuilt_table, adapter="duckdb" -%}
  {{ return(rebuild("table")) }}
{%- endmaterialization %}


{% materialization rebuilt_view, adapter="duckdb" -%}
  {{ return(rebuild("view")) }}
{%- endmaterialization %}


{% macro rebuild(kind) -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- set target = this.incorporate(type=kind) -%}
  {%- set custom = custom_fields_of(model.name) if kind == "table" and "custom_fields" in model.columns else [] -%}
  {%- call statement("main") -%}
    {%- if existing is not none and existing.type != kind %}
    drop {{ existing.type }} {{ existing }};
    {%- endif %}
    create or replace {{ kind }} {{ target }} as (
      {{ sql }}
    );
    comment on {{ kind }} {{ target }} is {{ text_literal(model.description) }};
    {%- for name, column in model.columns.items() %}
    comment on column {{ target }}.{{ quoted(name) }} is {{ text_literal(column.description) }};
    {%- endfor %}
    {%- for field in custom %}
    comment on column {{ target }}.{{ quoted(field.name) }} is {{ text_literal(field.description or field.name) }};
    {%- endfor %}
  {%- endcall -%}
  {{ adapter.commit() }}
  {{ return({"relations": [target]}) }}
{%- endmacro %}


{% macro text_literal(text) -%}
  {{ return("'" ~ text | replace("'", "''") ~ "'") }}
{%- endmacro %}
