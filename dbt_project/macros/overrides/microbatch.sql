{#-
  dbt's microbatch on PostgreSQL merges by a unique key, so a row whose source row is gone survives
  a rebuild. Here a batch replaces its window: one transaction deletes the window and inserts the
  batch, so a reader sees the day as it was or as it is. See docs/decisions/0002.

  A model's `meta` says what else is to be done: `appended: true` keeps the rows of former builds;
  `changes_kept: true` keeps the old values of rows that a rebuild changes or removes; with
  `replaced_by: [columns]` a batch may also hold rows of other days, and they replace the rows that
  are equal in these columns, wherever those are. From its first replaced model to its success a day
  counts as not built (docs/decisions/0013).
-#}
{% macro postgres__get_incremental_microbatch_sql(arg_dict) %}
    {%- set meta = config.get('meta') or {} -%}
    {%- if target.name == 'prod' -%}
        {{ note_replaced_day() }}
        {%- if meta.get('changes_kept') %}
            {{ keep_changes(arg_dict['target_relation'], arg_dict['temp_relation']) }}
        {%- endif -%}
    {%- endif %}
    {{ replace_window(arg_dict) }}
{% endmacro %}

{#- The same on every engine. -#}
{% macro replace_window(arg_dict) %}
    {%- set target_relation = arg_dict['target_relation'] -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    {%- set event_time = config.get('event_time') -%}
    {%- set meta = config.get('meta') or {} -%}
    {%- set key = meta.get('replaced_by') -%}
    {%- if not meta.get('appended') %}
    delete from {{ target_relation }}
    where
        {{ event_time }} >= '{{ model.batch.event_time_start }}'
        and {{ event_time }} < '{{ model.batch.event_time_end }}';
    {%- endif %}
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

{#- Only for builds by Dagster, which take the note away when they succeed. A model has its own row,
    so two models of a day do not wait for each other. -#}
{% macro note_replaced_day() -%}
    insert into enrichment.replaced_days (day, model, build_id)
    select {{ batch_day() }}, '{{ model.name }}', current.build_id
    from (select enrichment.current_build() as build_id) as current
    where current.build_id is not null
    on conflict (day, model) do update set
        build_id = excluded.build_id, replaced_at = excluded.replaced_at;
    {#- What somebody builds by hand counts at once, so whoever keeps answers is told here. #}
    select raw.tell_days({{ batch_day() }}, {{ batch_day() }} + {{ var('lookback_days') | int + 2 }})
    where enrichment.current_build() is null;
{%- endmacro %}

{% macro keep_changes(target_relation, new_relation) -%}
{%- set receipts = adapter.get_relation(target.database, 'marts', 'build_receipts')
    or "(select null::date as date, null::timestamptz as built_at, null::text as definition, null::uuid as build_id) as no_receipts" -%}
    insert into enrichment.replaced_metrics (
        date, project_id, ip_asset_id, license_id,
        views, clicks, conversions, revenue_cents, unique_visitors, engagement_time,
        bot_events, bot_visitors,
        was_removed, definition, build_id, replaced_by
    )
    select
        old.date, old.project_id, old.ip_asset_id, old.license_id,
        {{ kept_numbers('old') }},
        new.date is null,
        receipt.definition, receipt.build_id, enrichment.current_build()
    from {{ target_relation }} as old
    left join {{ new_relation }} as new on {{ same_entity('old', 'new') }}
    left join (
        select definition, build_id
        from {{ receipts }}
        where date = {{ batch_day() }}
        order by built_at desc
        limit 1
    ) as receipt on true
    where
        old.date = {{ batch_day() }}
        and ({{ kept_numbers('old') }}) is distinct from ({{ kept_numbers('new') }});
{%- endmacro %}

{#- The numbers of a row of daily_metrics. -#}
{% macro kept_numbers(row) -%}
{%- for name in ['views', 'clicks', 'conversions', 'revenue_cents', 'unique_visitors', 'engagement_time'] -%}
{{ row }}.{{ name }}, {% endfor -%}
({{ row }}.metadata ->> 'bot_events')::bigint, ({{ row }}.metadata ->> 'bot_visitors')::bigint
{%- endmacro %}

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
