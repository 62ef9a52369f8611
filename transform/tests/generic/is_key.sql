{# A key names one row: it is never missing and never there twice. #}
{% test is_key(model, column_name) %}
select {{ column_name }}, count(*) as times
from {{ model }}
group by {{ column_name }}
having count(*) > 1 or {{ column_name }} is null
{% endtest %}
