{#-
  A contract is what a model's .yml says, and what models/metrics.yml adds to traffic_daily. dbt compares
  the columns of a query with `model.columns`, and creates and comments the table from it; this is the
  first that it calls (dbt 1.11).
-#}
{% macro default__get_assert_columns_equivalent(sql) -%}
{%- if model.name == 'traffic_daily' -%}
    {%- for column in added_columns() -%}
        {%- do model['columns'].update({column.name: {
            'name': column.name,
            'description': column.description,
            'data_type': column.type,
            'constraints': [],
        }}) -%}
    {%- endfor -%}
{%- endif -%}
{{ return(assert_columns_equivalent(sql)) }}
{%- endmacro %}
