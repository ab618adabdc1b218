{#-
  dbt replaces a view by renaming the old one away and dropping it with all that depends on it, so
  each rebuild of stg_raw__events would drop int_events and, until that is built again, fail every
  dashboard that reads it. Here a view is replaced in place. Only when columns went away or changed
  their type, which PostgreSQL refuses to do in place, is it dropped with what depends on it.
-#}
{% materialization view, adapter='postgres' -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set grant_config = config.get('grants') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if existing_relation is not none and not existing_relation.is_view -%}
        {%- do adapter.drop_relation(existing_relation) -%}
    {%- endif -%}
    {%- set create_sql = get_create_view_as_sql(target_relation, sql) -%}
    {% call statement('main') -%}
        do $replace_view$
        begin
            execute $create_view${{ create_sql }}$create_view$;
        exception when invalid_table_definition then
            drop view {{ target_relation }} cascade;
            execute $create_view${{ create_sql }}$create_view$;
        end
        $replace_view$
    {%- endcall %}

    {%- do apply_grants(target_relation, grant_config, should_revoke=should_revoke(existing_relation, full_refresh_mode=False)) -%}
    {%- do persist_docs(target_relation, model) -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}

{% macro postgres__create_view_as(relation, sql) -%}
    {%- if config.get('contract').enforced %}
    {{ get_assert_columns_equivalent(sql) }}
    {%- endif %}
    create or replace view {{ relation }} as (
        {{ sql }}
    )
{%- endmacro %}
