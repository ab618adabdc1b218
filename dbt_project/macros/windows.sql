{#- The UTC day of the batch that is being built. Outside of a batch (compile, unit test) a fixed one. -#}
{% macro batch_day() -%}
{%- if model.batch -%}
date '{{ model.batch.event_time_start.strftime("%Y-%m-%d") }}'
{%- else -%}
date '2000-01-01'
{%- endif -%}
{%- endmacro %}

{#-
  Data tests look at the days that the invocation builds, so that a nightly build of one day does
  not scan two years: `where: "built_window:occurred_at"` names the column. Without a window on the
  command line they look at the last four days of the relation, each whole.
-#}
{% macro get_where_subquery(relation) -%}
{%- set where = config.get('where') or '' -%}
{%- if where.startswith('built_window:') -%}
(select * from {{ relation }} where {{ built_window(where.split(':')[1], relation) }}) as built
{%- else -%}
{{ default__get_where_subquery(relation) }}
{%- endif -%}
{%- endmacro %}

{#- Condition on `column`, a timestamptz or UTC date of `relation`. -#}
{% macro built_window(column, relation) -%}
{%- set start = invocation_args_dict.get('event_time_start') -%}
{%- set end = invocation_args_dict.get('event_time_end') -%}
{%- if start and end -%}
{{ column }} >= {{ moment(start) }} and {{ column }} < {{ moment(end) }}
{%- else -%}
{%- set last = 'max(' ~ column ~ ')' -%}
{%- if column != 'date' -%}
{%- set last = "date_trunc('day', " ~ last ~ " at time zone 'UTC') at time zone 'UTC'" -%}
{%- endif -%}
{{ column }} >= (select {{ last }} from {{ relation }}) - interval '3 days'
{%- endif -%}
{%- endmacro %}

{#-
  Condition on `column`, a timestamptz, that holds for the days that the invocation builds: whole
  days, as microbatch rounds them. For models that are not microbatch; without a window on the
  command line it holds for every event.
-#}
{% macro invoked_days(column) -%}
{%- set start = invocation_args_dict.get('event_time_start') -%}
{%- set end = invocation_args_dict.get('event_time_end') -%}
{%- if start and end -%}
{%- set datetime = modules.datetime.datetime -%}
{%- set moment = modules.datetime.timedelta(microseconds=1) -%}
{%- set first = datetime.fromisoformat(start | string).date() -%}
{%- set last = (datetime.fromisoformat(end | string) - moment).date() -%}
{{ column }} >= '{{ first }} 00:00+00'
and {{ column }} < '{{ last + modules.datetime.timedelta(days=1) }} 00:00+00'
{%- else -%}
true
{%- endif -%}
{%- endmacro %}

{#- Midnight at which the batch's day begins, or the day that many days later (earlier, if negative).
    A literal, so that partitions outside of a window are pruned while a query is planned. -#}
{% macro batch_start(days=0) -%}
{%- if model.batch -%}
{%- set day = model.batch.event_time_start -%}
{%- else -%}
{%- set day = modules.datetime.datetime(2000, 1, 1) -%}
{%- endif -%}
timestamptz '{{ (day + modules.datetime.timedelta(days=days)).strftime("%Y-%m-%d") }} 00:00:00+00'
{%- endmacro %}

{#- A relation whole: dbt cuts `ref` of what has an event time down to the batch. -#}
{% macro unfiltered(relation) -%}
{{ relation.render() }}
{%- endmacro %}

{#- The end of the days that this invocation builds. -#}
{% macro end_of_build() -%}
{%- set end = invocation_args_dict.get('event_time_end') -%}
{%- if end and model.batch -%}
timestamptz '{{ end }}+00'
{%- else -%}
{{ batch_start(1) }}
{%- endif -%}
{%- endmacro %}

{#- The UTC day of a timestamptz. An index on the same expression serves a range of days. -#}
{% macro utc_day(column) -%}
({{ column }} at time zone 'UTC')::date
{%- endmacro %}

{#- Id of the build by Dagster that runs now, as SQL; null for dbt that somebody runs by hand. -#}
{% macro running_build() -%}
{{ 'enrichment.current_build()' if target.name == 'prod' else 'null::uuid' }}
{%- endmacro %}
