{# One raw value, of whatever type it arrived as, in the type and kind a model declares; NULL where it cannot be read. #}
{% macro cleaned(source_name, value, found_type, data_type, kind) -%}
  {%- set text = text_of(source_name, value, found_type) -%}
  {%- set zone = "'" ~ var("time_zone") ~ "'" -%}
  {%- if kind == "flag" -%}
    {{ return("coalesce(" ~ value ~ ", false)" if found_type == "BOOLEAN" else "(" ~ value ~ " is not null)") }}
  {%- elif kind == "key" -%}
    {{ return(key_of(text)) }}
  {%- elif kind == "reference" -%}
    {{ return("'" ~ source_name ~ ":' || " ~ key_of(text)) }}
  {%- elif kind == "choice" -%}
    {{ return("nullif(trim(" ~ text ~ "), '')") }}
  {%- elif kind == "local" -%}
    {{ return(value_as_local(value, text, found_type, zone)) }}
  {%- elif data_type == "VARCHAR" -%}
    {{ return(text) }}
  {%- elif data_type == "BOOLEAN" -%}
    {{ return(value if found_type == "BOOLEAN" else value_as_boolean(text)) }}
  {%- elif data_type == "DATE" -%}
    {{ return(value_as_date(value, text, found_type, zone)) }}
  {%- elif data_type == "TIMESTAMP" -%}
    {{ return(value_as_utc(value, text, found_type, zone)) }}
  {%- elif data_type == "JSON" -%}
    {{ return(value if found_type == "JSON" else "to_json(" ~ value ~ ")") }}
  {%- elif data_type == "BIGINT" and found_type in ["VARCHAR", "JSON"] -%}
    {{ return("try_cast(try_cast(trim(" ~ text ~ ") as decimal(38, 9)) as bigint)") }}
  {%- elif data_type.startswith("DECIMAL") and found_type in ["DOUBLE", "FLOAT"] -%}
    {{ return(float_as_money(value, data_type)) }}
  {%- endif -%}
  {%- set readable = found_type.startswith("DECIMAL") or found_type in ["BIGINT", "INTEGER", "HUGEINT", "DOUBLE", "FLOAT", "BOOLEAN"] -%}
  {{ return("try_cast(" ~ (value if readable else "trim(" ~ text ~ ")") ~ " as " ~ data_type ~ ")") }}
{%- endmacro %}


{# A raw value as text, HTML entities decoded once where its CRM sends them. #}
{% macro text_of(source_name, value, found_type) -%}
  {%- if found_type == "JSON" -%}
    {%- set text = "(" ~ value ~ " ->> '$')" -%}
  {%- elif found_type.startswith("DECIMAL") or found_type == "DOUBLE" -%}
    {{ return("regexp_replace(cast(" ~ value ~ " as varchar), '\\.0+$', '')") }}
  {%- elif found_type != "VARCHAR" -%}
    {{ return("cast(" ~ value ~ " as varchar)") }}
  {%- else -%}
    {%- set text = value -%}
  {%- endif -%}
  {%- if source_name not in var("html_encoded") -%}
    {{ return(text) }}
  {%- endif -%}
  {%- set decoded = namespace(sql=text) -%}
  {%- for entity, character in var("html_entities").items() -%}
    {%- set decoded.sql = "replace(" ~ decoded.sql ~ ", '" ~ entity ~ "', '" ~ character | replace("'", "''") ~ "')" -%}
  {%- endfor -%}
  {{ return("case when contains(" ~ text ~ ", '&') then " ~ decoded.sql ~ " else " ~ text ~ " end") }}
{%- endmacro %}


{# A float as the decimal it was meant to be: as many places as a double of its size holds exactly, six at most. #}
{% macro float_as_money(value, data_type) -%}
  {%- set steps = [] -%}
  {%- for narrow in ["decimal(15, 6)", "decimal(15, 4)", "decimal(15, 2)"] -%}
    {%- do steps.append("try_cast(try_cast(" ~ value ~ " as " ~ narrow ~ ") as " ~ data_type ~ ")") -%}
  {%- endfor -%}
  {{ return("coalesce(" ~ steps | join(", ") ~ ", try_cast(" ~ value ~ " as " ~ data_type ~ "))") }}
{%- endmacro %}


{# A foreign key: empty and "0" mean none. #}
{% macro key_of(text) -%}
  {{ return("nullif(nullif(trim(" ~ text ~ "), ''), '0')") }}
{%- endmacro %}


{% macro value_as_boolean(text) -%}
  {{ return("case when lower(trim(" ~ text ~ ")) in ('1', 'true', 't', 'yes', 'y', 'on') then true"
    ~ " when lower(trim(" ~ text ~ ")) in ('0', 'false', 'f', 'no', 'n', 'off') then false end") }}
{%- endmacro %}


{# A day; a moment becomes the day it falls on in the zone of the project. #}
{% macro value_as_date(value, text, found_type, zone) -%}
  {%- if found_type == "DATE" -%}
    {{ return(value) }}
  {%- elif found_type.startswith("TIMESTAMP") -%}
    {{ return("cast(" ~ value_as_local(value, text, found_type, zone) ~ " as date)") }}
  {%- endif -%}
  {{ return("coalesce(try_cast(left(trim(" ~ text ~ "), 10) as date), "
    ~ "cast(try_strptime(left(trim(" ~ text ~ "), 10), ['%d-%m-%Y', '%d/%m/%Y']) as date))") }}
{%- endmacro %}


{# A moment in UTC (by its microseconds: no zone has to be looked up); a bare day is its midnight in the zone of the project. #}
{% macro value_as_utc(value, text, found_type, zone) -%}
  {%- if found_type == "TIMESTAMP WITH TIME ZONE" -%}
    {{ return("case when isfinite(" ~ value ~ ") then make_timestamp(epoch_us(" ~ value ~ ")) end") }}
  {%- elif found_type.startswith("TIMESTAMP") -%}
    {{ return("cast(" ~ value ~ " as timestamp)") }}
  {%- elif found_type == "DATE" -%}
    {{ return("timezone('UTC', timezone(" ~ zone ~ ", cast(" ~ value ~ " as timestamp)))") }}
  {%- endif -%}
  {{ return("timezone('UTC', try_cast(trim(" ~ text ~ ") as timestamptz))") }}
{%- endmacro %}


{# The same moment on the clock of the project's zone. #}
{% macro value_as_local(value, text, found_type, zone) -%}
  {%- if found_type == "DATE" -%}
    {{ return("cast(" ~ value ~ " as timestamp)") }}
  {%- elif found_type == "TIMESTAMP WITH TIME ZONE" -%}
    {{ return("timezone(" ~ zone ~ ", " ~ value ~ ")") }}
  {%- endif -%}
  {{ return(local_time(value_as_utc(value, text, found_type, zone))) }}
{%- endmacro %}


{% macro local_time(utc) -%}
  {{ return("timezone('" ~ var("time_zone") ~ "', timezone('UTC', " ~ utc ~ "))") }}
{%- endmacro %}
