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
  command line they look at the last three days of the relation.
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
{{ column }} >= '{{ start }}+00' and {{ column }} < '{{ end }}+00'
{%- else -%}
{{ column }} >= (select max({{ column }}) from {{ relation }}) - interval '3 days'
{%- endif -%}
{%- endmacro %}

{#- Id of the build by Dagster that runs now, as SQL; null for dbt that somebody runs by hand. -#}
{% macro running_build() -%}
{{ 'enrichment.current_build()' if target.name == 'prod' else 'null::uuid' }}
{%- endmacro %}
