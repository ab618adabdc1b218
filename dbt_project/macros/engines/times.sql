{#- Moments and durations. On DuckDB `extract(epoch …)` is a double; these are exact. -#}

{#- Seconds since 1970 as text, with six digits after the point. -#}
{% macro epoch_text(moment) -%}
{{ return(adapter.dispatch('epoch_text', 'eventmill')(moment)) }}
{%- endmacro %}

{% macro postgres__epoch_text(moment) -%}
extract(epoch from {{ moment }})::text
{%- endmacro %}

{% macro duckdb__epoch_text(moment) -%}
(epoch_us({{ moment }})::decimal(18, 0) * 0.000001::decimal(7, 6))::varchar
{%- endmacro %}

{#- Microseconds since 1970. -#}
{% macro epoch_microseconds(moment) -%}
{{ return(adapter.dispatch('epoch_microseconds', 'eventmill')(moment)) }}
{%- endmacro %}

{% macro postgres__epoch_microseconds(moment) -%}
(extract(epoch from {{ moment }}) * 1000000)::bigint
{%- endmacro %}

{% macro duckdb__epoch_microseconds(moment) -%}
epoch_us({{ moment }})
{%- endmacro %}

{#- A duration of at least 0 as whole milliseconds; half of one goes up. -#}
{% macro milliseconds(duration) -%}
{{ return(adapter.dispatch('milliseconds', 'eventmill')(duration)) }}
{%- endmacro %}

{% macro postgres__milliseconds(duration) -%}
(extract(epoch from {{ duration }}) * 1000)::bigint
{%- endmacro %}

{% macro duckdb__milliseconds(duration) -%}
(epoch_us({{ duration }}) + 500) // 1000
{%- endmacro %}

{#- A duration in seconds, as a double. -#}
{% macro seconds(duration) -%}
{{ return(adapter.dispatch('seconds', 'eventmill')(duration)) }}
{%- endmacro %}

{% macro postgres__seconds(duration) -%}
extract(epoch from {{ duration }})::float8
{%- endmacro %}

{% macro duckdb__seconds(duration) -%}
(epoch_us({{ duration }}) / 1000000.0::float8)
{%- endmacro %}

{#- The end of a window of days as dbt was told it (`2015-05-17`, or with a time), for a comparison
    with a moment or a date. -#}
{% macro moment(text) -%}
{{ return(adapter.dispatch('moment', 'eventmill')(text)) }}
{%- endmacro %}

{% macro postgres__moment(text) -%}
'{{ text }}+00'
{%- endmacro %}

{% macro duckdb__moment(text) -%}
timestamptz '{{ modules.datetime.datetime.fromisoformat(text | string) }}+00'
{%- endmacro %}
