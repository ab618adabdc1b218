{#- Numbers that a bigint does not hold: numeric on PostgreSQL, hugeint (39 digits) on DuckDB, whose
    division of two numbers is a double and so not exact. -#}

{#- A whole number. -#}
{% macro whole_number(number) -%}
{{ return(adapter.dispatch('whole_number', 'eventmill')(number)) }}
{%- endmacro %}

{% macro postgres__whole_number(number) -%}
({{ number }})::numeric
{%- endmacro %}

{% macro duckdb__whole_number(number) -%}
({{ number }})::hugeint
{%- endmacro %}

{#- The nearest whole number of a double; half of one goes to the even one. -#}
{% macro nearest_whole(number) -%}
{{ return(adapter.dispatch('nearest_whole', 'eventmill')(number)) }}
{%- endmacro %}

{% macro postgres__nearest_whole(number) -%}
round({{ number }})
{%- endmacro %}

{% macro duckdb__nearest_whole(number) -%}
round_even({{ number }}, 0)
{%- endmacro %}

{#- A whole number of at least 0, divided; for a cast to `digits` after the point, which rounds half of
    one up. `divisor_digits` are those that the divisor has after the point. -#}
{% macro ratio(number, divisor, digits, divisor_digits=0) -%}
{{ return(adapter.dispatch('ratio', 'eventmill')(number, divisor, digits, divisor_digits)) }}
{%- endmacro %}

{% macro postgres__ratio(number, divisor, digits, divisor_digits) -%}
({{ number }} / {{ divisor }})
{%- endmacro %}

{#- Twice the number and one divisor more, divided by two divisors, is rounded. -#}
{% macro duckdb__ratio(number, divisor, digits, divisor_digits) -%}
{%- set whole_divisor = '(' ~ divisor ~ ' * ' ~ 10 ** divisor_digits ~ ')::hugeint' -%}
(
    (
        (2 * ({{ number }})::hugeint * {{ 10 ** (digits + divisor_digits) }} + {{ whole_divisor }})
        // (2 * {{ whole_divisor }})
    )::decimal(38, 0) * {{ '0.' ~ '0' * (digits - 1) ~ '1' }}::decimal({{ digits }}, {{ digits }})
)
{%- endmacro %}
