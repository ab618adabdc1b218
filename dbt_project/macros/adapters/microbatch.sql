{#-
  dbt's microbatch on PostgreSQL merges by a unique key, so a row whose source row is gone survives
  a rebuild. Here a batch replaces its window: one transaction deletes the window and inserts the
  batch, so a reader sees the day as it was or as it is. See docs/decisions/0002.

  A batch may also hold rows of other days: with `meta: {replaced_by: [columns]}` they replace the
  rows that are equal in these columns, wherever those are.
-#}
{% macro postgres__get_incremental_microbatch_sql(arg_dict) %}
    {%- set target_relation = arg_dict['target_relation'] -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    {%- set event_time = config.get('event_time') -%}
    {%- set key = config.get('meta', {}).get('replaced_by') -%}
    delete from {{ target_relation }}
    where
        {{ event_time }} >= '{{ model.batch.event_time_start }}'
        and {{ event_time }} < '{{ model.batch.event_time_end }}';
    {%- if key %}

    delete from {{ target_relation }} as replaced
    using (select distinct {{ key | join(', ') }} from {{ arg_dict['temp_relation'] }}) as batch
    where
        {%- for column in key %}
        {{ 'and ' if not loop.first }}replaced.{{ column }} = batch.{{ column }}
        {%- endfor %};
    {%- endif %}

    {#- The last statement, since its number of rows is what dbt reports. #}
    insert into {{ target_relation }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}

{#- dbt keeps a batch's temporary table until it disconnects: a year of days would fill the disk. -#}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
{%- set is_batch = model.resource_type == 'model' and model.batch -%}
{%- if temporary and is_batch -%}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
    {%- endif %}
    create temporary table {{ relation }} on commit drop as (
        {{ sql }}
    );
{%- else -%}
    {{ dbt.postgres__create_table_as(temporary, relation, sql) }}
{%- endif -%}
{%- endmacro %}
