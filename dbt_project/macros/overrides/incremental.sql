{#-
  A batch of a microbatch model: dbt's own materialization, without what it asks the database again
  and again. For each batch that looks five times for the columns of two tables, which is half of its
  time in Python, and writes all comments anew; here one query finds columns and comments
  (docs/decisions/0002). Everything else is dbt's.
-#}
{% materialization incremental, adapter='postgres' -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if not model.batch or existing is none or existing.is_view or should_full_refresh() -%}
        {{ return(dbt.materialization_incremental_default()) }}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set temp_relation = make_temp_relation(target_relation) -%}
    {%- set strategy = adapter.get_incremental_strategy_macro(context, config.get('incremental_strategy')) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% do run_query(get_create_table_as_sql(True, temp_relation, sql)) %}
    {%- set found = columns_and_comments(temp_relation, target_relation) -%}
    {%- if found.added %}
        {% do alter_relation_add_remove_columns(target_relation, found.added, none) %}
    {%- endif %}
    {% call statement('main') %}
        {{ strategy({
            'target_relation': target_relation,
            'temp_relation': temp_relation,
            'unique_key': config.get('unique_key'),
            'dest_columns': found.columns,
            'incremental_predicates': none,
        }) }}
    {% endcall %}
    {% do apply_grants(target_relation, config.get('grants'), should_revoke(existing, false)) %}
    {%- if found.added or not has_its_comments(found) %}
        {% do persist_docs(target_relation, model) %}
    {%- endif %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}

{#- The columns of the batch, those of them that its table lacks, and the table's comments by column
    (that of the table itself as ''). -#}
{% macro columns_and_comments(batch, table) -%}
{%- set query -%}
select
    attname as name,
    format_type(atttypid, atttypmod) as type,
    attrelid = '{{ batch }}'::regclass as is_of_batch,
    coalesce(col_description(attrelid, attnum), '') as comment
from pg_attribute
where
    attrelid in ('{{ batch }}'::regclass, '{{ table }}'::regclass)
    and attnum > 0
    and not attisdropped
union all
select '', '', false, coalesce(obj_description('{{ table }}'::regclass, 'pg_class'), '')
{%- endset -%}
{%- set found = namespace(columns=[], added=[], comments={}) -%}
{%- set of_batch = [] -%}
{%- for name, type, is_of_batch, comment in run_query(query).rows -%}
    {%- if is_of_batch -%}
        {%- do of_batch.append(api.Column.create(name, type)) -%}
    {%- else -%}
        {%- do found.comments.update({name: comment}) -%}
    {%- endif -%}
{%- endfor -%}
{%- for column in of_batch if column.name not in found.comments -%}
    {%- do found.added.append(column) -%}
{%- endfor -%}
{%- set found.columns = of_batch -%}
{{ return(found) }}
{%- endmacro %}

{#- Whether the comments that the table has are those of the model's description. -#}
{% macro has_its_comments(found) -%}
{%- set wanted = {'': model.description} -%}
{%- for name, column in model.columns.items() if name in found.comments -%}
    {%- do wanted.update({name: column.description}) -%}
{%- endfor -%}
{%- for name, comment in wanted.items() if comment.strip() != found.comments[name].strip() -%}
    {{ return(false) }}
{%- endfor -%}
{{ return(true) }}
{%- endmacro %}
