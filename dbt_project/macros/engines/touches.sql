{#- Touches as JSON, in the order of `sessions.touches`. -#}

{#- An event as a touch. On PostgreSQL jsonb_object takes 2 µs an event, jsonb_build_object and
    jsonb_agg 8 µs. -#}
{% macro touch_as_json(columns) -%}
{{ return(adapter.dispatch('touch_as_json', 'eventmill')(columns)) }}
{%- endmacro %}

{% macro postgres__touch_as_json(columns) -%}
jsonb_object(
    '{ {{- (['touched_at', 'received_at', 'event_id', 'trust'] + columns) | join(',') -}} }',
    array[
        {%- for time in ['occurred_at', 'received_at'] %}
        to_char({{ time }} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        {%- endfor %}
        event_id::text,
        trust::text,
        {{ columns | join(', ') }}
    ]
)
{%- endmacro %}

{% macro duckdb__touch_as_json(columns) -%}
json_object(
    'touched_at', strftime(occurred_at at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ'),
    'received_at', strftime(received_at at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ'),
    'event_id', event_id::varchar,
    'trust', trust::varchar
    {%- for column in columns %},
    '{{ column }}', {{ column }}
    {%- endfor %}
)
{%- endmacro %}

{#- The touches of a session as rows `touch`: `fields` and, from 1, `touch_number`. -#}
{% macro touches_of(column) -%}
{{ return(adapter.dispatch('touches_of', 'eventmill')(column)) }}
{%- endmacro %}

{% macro postgres__touches_of(column) -%}
jsonb_array_elements({{ column }}) with ordinality as touch (fields, touch_number)
{%- endmacro %}

{% macro duckdb__touches_of(column) -%}
unnest(cast({{ column }} as json[])) with ordinality as touch (fields, touch_number)
{%- endmacro %}
