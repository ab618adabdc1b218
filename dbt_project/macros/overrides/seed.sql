{#- A seed is emptied with delete, not truncate: readers of int_events, which joins one, go on reading
    the old rows until the new ones are there. -#}
{% macro postgres__reset_csv_table(model, full_refresh, old_relation, agate_table) %}
    {%- if full_refresh -%}
        {{ return(default__reset_csv_table(model, full_refresh, old_relation, agate_table)) }}
    {%- endif -%}
    {%- set sql = 'delete from ' ~ old_relation -%}
    {%- call statement('empty_seed') -%}{{ sql }}{%- endcall -%}
    {{ return(sql) }}
{% endmacro %}
