{{ config(incremental_strategy='append') }}

{#- A scalar subquery, because PostgreSQL answers it with one look-up in an index: the cost is that
    of the days' visitors, however many are known. As a join it would read and hash all of them. -#}
with seen as (
    select distinct visitor_id
    from {{ ref('int_events') }}
    where {{ invoked_days('occurred_at') }}
),

new_visitors as (
    select seen.visitor_id
    from seen
    {% if is_incremental() -%}
    where
        (
            select known.visitor_number
            from {{ this }} as known
            where known.visitor_id = seen.visitor_id
        ) is null
    {%- endif %}
),

highest as (
    {% if is_incremental() -%}
    select coalesce(max(visitor_number), 0) as visitor_number from {{ this }}
    {%- else -%}
    select 0 as visitor_number
    {%- endif %}
)

select
    (highest.visitor_number + row_number() over ())::integer as visitor_number,
    new_visitors.visitor_id
from new_visitors
cross join highest
