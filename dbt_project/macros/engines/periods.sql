{#- Periods of days with first and last day, of which null is without limit: a daterange on PostgreSQL,
    a struct on DuckDB, which has no ranges. -#}

{#- The days of `terms` as few periods for each combination of `keys`: what touches or overlaps is one. -#}
{% macro merged_periods(terms, keys) -%}
{{ return(adapter.dispatch('merged_periods', 'eventmill')(terms, keys)) }}
{%- endmacro %}

{% macro postgres__merged_periods(terms, keys) -%}
select
    {{ keys | join(',\n        ') }},
    unnest(range_agg(daterange(starts_on, ends_on, '[]'))) as period
from {{ terms }}
where coalesce(starts_on <= ends_on, true)
group by {{ keys | join(', ') }}
{%- endmacro %}

{#- The years 0 and 10000 stand for no limit: an event's date has four digits. -#}
{% macro duckdb__merged_periods(terms, keys) -%}
select
    {{ keys | join(', ') }},
    {
        'first_day': nullif(min(first_day), make_date(0, 1, 1)),
        'last_day': nullif(max(last_day), make_date(10001, 1, 1))
    } as period
from (
    select
        *,
        count(*) filter (where is_first) over (
            partition by {{ keys | join(', ') }} order by first_day, last_day
            rows unbounded preceding
        ) as number
    from (
        select
            *,
            coalesce(first_day > 1 + max(last_day) over (
                partition by {{ keys | join(', ') }} order by first_day, last_day
                rows between unbounded preceding and 1 preceding
            ), true) as is_first
        from (
            select
                {{ keys | join(', ') }},
                coalesce(starts_on, make_date(0, 1, 1)) as first_day,
                coalesce(ends_on, make_date(10001, 1, 1)) as last_day
            from {{ terms }}
            where coalesce(starts_on <= ends_on, true)
        ) as terms
    ) as sorted
) as numbered
group by {{ keys | join(', ') }}, number
{%- endmacro %}

{#- From the first day of the group's periods to the last one. -#}
{% macro spanning_period(valid_from, valid_to) -%}
{{ return(adapter.dispatch('spanning_period', 'eventmill')(valid_from, valid_to)) }}
{%- endmacro %}

{% macro postgres__spanning_period(valid_from, valid_to) -%}
range_merge(range_agg(daterange({{ valid_from }}, {{ valid_to }}, '[]')))
{%- endmacro %}

{% macro duckdb__spanning_period(valid_from, valid_to) -%}
{
    'first_day': case
        when count(*) = count({{ valid_from }}) then min({{ valid_from }})
    end,
    'last_day': case when count(*) = count({{ valid_to }}) then max({{ valid_to }}) end
}
{%- endmacro %}

{% macro first_day(period) -%}
{{ return(adapter.dispatch('first_day', 'eventmill')(period)) }}
{%- endmacro %}

{% macro postgres__first_day(period) -%}
lower({{ period }})
{%- endmacro %}

{% macro duckdb__first_day(period) -%}
({{ period }}).first_day
{%- endmacro %}

{% macro last_day_of(period) -%}
{{ return(adapter.dispatch('last_day_of', 'eventmill')(period)) }}
{%- endmacro %}

{% macro postgres__last_day_of(period) -%}
upper({{ period }}) - 1
{%- endmacro %}

{% macro duckdb__last_day_of(period) -%}
({{ period }}).last_day
{%- endmacro %}

{#- A `YYYY-MM-DD` of the calendar as a date, anything else null; never an error. -#}
{% macro iso_date(text) -%}
{{ return(adapter.dispatch('iso_date', 'eventmill')(text)) }}
{%- endmacro %}

{% macro postgres__iso_date(text) -%}
case
    when {{ text }} !~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then null
    when left({{ text }}, 4) = '0000' then null
    when
        right({{ text }}, 2)::integer > extract(
            day from make_date(left({{ text }}, 4)::integer, substr({{ text }}, 6, 2)::integer, 1)
            + interval '1 month' - interval '1 day'
        ) then null
    else {{ text }}::date
end
{%- endmacro %}

{% macro duckdb__iso_date(text) -%}
case
    when
        regexp_matches({{ text }}, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$') and left({{ text }}, 4) <> '0000'
        then try_cast({{ text }} as date)
end
{%- endmacro %}
