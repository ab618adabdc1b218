{#- JSON: jsonb on PostgreSQL, json on DuckDB. `->` and `->>` are the same on both. -#}

{#-
  A property of a JSON object as a bigint of at least 0. What is no such number counts 0 and never
  fails a build: text ("12"), booleans, arrays, negative numbers, and numbers past 2^53, which JSON
  does not carry exactly. 1299.0 and 1.299e3 are 1299; a fraction is cut off.
-#}
{% macro json_whole_number(column, property) -%}
{{ return(adapter.dispatch('json_whole_number', 'eventmill')(column, property)) }}
{%- endmacro %}

{% macro postgres__json_whole_number(column, property) -%}
case
    when jsonb_typeof({{ column }} -> '{{ property }}') = 'number' then
        case
            when ({{ column }} -> '{{ property }}')::numeric between 0 and 9007199254740991
                then trunc(({{ column }} -> '{{ property }}')::numeric)::bigint
            else 0::bigint
        end
    else 0::bigint
end
{%- endmacro %}

{#- Up to 2^53 a double holds each whole number. -#}
{% macro duckdb__json_whole_number(column, property) -%}
case
    when
        json_type({{ column }}, '{{ property }}') in ('UBIGINT', 'BIGINT', 'DOUBLE')
        and try_cast({{ column }} ->> '{{ property }}' as double) between 0 and 9007199254740991
        then trunc(try_cast({{ column }} ->> '{{ property }}' as double))::bigint
    else 0::bigint
end
{%- endmacro %}

{#- An object of names and SQL expressions. -#}
{% macro json_object(members) -%}
{{ return(adapter.dispatch('json_object', 'eventmill')(members)) }}
{%- endmacro %}

{% macro postgres__json_object(members) -%}
jsonb_build_object(
    {%- for name, value in members.items() %}
    '{{ name }}', {{ value }}{{ ',' if not loop.last }}
    {%- endfor %}
)
{%- endmacro %}

{% macro duckdb__json_object(members) -%}
json_object(
    {%- for name, value in members.items() %}
    '{{ name }}', {{ value }}{{ ',' if not loop.last }}
    {%- endfor %}
)
{%- endmacro %}

{#- Two objects as one; neither has a null in it. -#}
{% macro json_union(one, other) -%}
{{ return(adapter.dispatch('json_union', 'eventmill')(one, other)) }}
{%- endmacro %}

{% macro postgres__json_union(one, other) -%}
{{ one }}
|| {{ other }}
{%- endmacro %}

{% macro duckdb__json_union(one, other) -%}
json_merge_patch({{ one }}, {{ other }})
{%- endmacro %}

{#- The group's rows as one object of whole numbers, or null; `condition` chooses among them. -#}
{% macro json_object_of_rows(name, value, condition=none) -%}
{{ return(adapter.dispatch('json_object_of_rows', 'eventmill')(name, value, condition)) }}
{%- endmacro %}

{% macro postgres__json_object_of_rows(name, value, condition) -%}
jsonb_object_agg({{ name }}, {{ value }}){{ ' filter (where ' ~ condition ~ ')' if condition }}
{%- endmacro %}

{% macro duckdb__json_object_of_rows(name, value, condition) -%}
('{' || string_agg(
    to_json({{ name }})::varchar || ':' || ({{ value }})::hugeint::varchar, ',' order by {{ name }}
){{ ' filter (where ' ~ condition ~ ')' if condition }} || '}')::json
{%- endmacro %}

{% macro empty_json_object() -%}
{{ return(adapter.dispatch('empty_json_object', 'eventmill')()) }}
{%- endmacro %}

{% macro postgres__empty_json_object() -%}
'{}'
{%- endmacro %}

{% macro duckdb__empty_json_object() -%}
'{}'::json
{%- endmacro %}

{#- A row of a relation, for a test that shows it. -#}
{% macro row_as_json(relation) -%}
{{ return(adapter.dispatch('row_as_json', 'eventmill')(relation)) }}
{%- endmacro %}

{% macro postgres__row_as_json(relation) -%}
to_jsonb({{ relation }})
{%- endmacro %}

{% macro duckdb__row_as_json(relation) -%}
to_json({{ relation }})
{%- endmacro %}

{% macro json_length(column) -%}
{{ return(adapter.dispatch('json_length', 'eventmill')(column)) }}
{%- endmacro %}

{% macro postgres__json_length(column) -%}
jsonb_array_length({{ column }})
{%- endmacro %}

{% macro duckdb__json_length(column) -%}
json_array_length({{ column }})
{%- endmacro %}
