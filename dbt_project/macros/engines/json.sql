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
