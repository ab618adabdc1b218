{#- How models become tables of a DuckDB file (the target `duckdb`, an analyst's laptop). -#}

{#- A batch replaces its window, as on PostgreSQL (microbatch.sql). Nobody else reads the file
    meanwhile, and no build of Dagster's writes it. -#}
{% macro duckdb__get_incremental_microbatch_sql(arg_dict) %}
    {{ return(replace_window(arg_dict)) }}
{% endmacro %}

{% macro duckdb__get_incremental_sync_sql(arg_dict) %}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }};

    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}

{#- Of a contract DuckDB holds the columns, types and nulls. Keys it would keep in indexes in memory,
    and it has no keys in which nulls are equal: data tests tell whether rows are unique. -#}
{% macro duckdb__get_table_columns_and_constraints() %}
(
    {%- for column in with_duckdb_types(model['columns']).values() %}
    {{ column['name'] }} {{ column['data_type'] }}
    {{- ' not null' if column['constraints'] | selectattr('type', 'equalto', 'not_null') | list }}
    {{- ',' if not loop.last }}
    {%- endfor %}
)
{% endmacro %}

{% macro duckdb__get_empty_schema_sql(columns) %}
    {{ return(default__get_empty_schema_sql(with_duckdb_types(columns))) }}
{% endmacro %}

{#- The columns of a contract, which is written in PostgreSQL's types. -#}
{% macro with_duckdb_types(columns) %}
    {%- set translated = {} -%}
    {%- for name, column in columns.items() -%}
        {%- set type = {'jsonb': 'json'}.get(column['data_type'], column['data_type']) -%}
        {%- do translated.update({name: dict(column, data_type=type)}) -%}
    {%- endfor -%}
    {{ return(translated) }}
{% endmacro %}

{#- Unit tests compare JSON as text, and DuckDB leaves JSON as it was written. -#}
{% macro duckdb__safe_cast(field, type) %}
{{- 'json(' ~ field ~ ')' if type | lower == 'json' else default__safe_cast(field, type) -}}
{% endmacro %}

{#- Zones of a table, which lies in the order of its days, serve a range of days. -#}
{% macro duckdb__get_create_index_sql(relation, index_dict) -%}
    {{ return(none) }}
{%- endmacro %}
