{{
    config(
        event_time='occurred_at',
        meta={'replaced_by': ['occurred_at', 'conversion_id']},
    )
}}

{%- set origin = ['source', 'medium', 'campaign', 'term', 'content', 'channel'] -%}

with conversions as (
    {{ conversions_to_credit(this) }}
),

sessions as (
    select * from {{ unfiltered(ref('sessions')) }}
),

arrivals as (
    select
        conversions.conversion_id,
        conversions.occurred_at,
        {%- for field in ['touched_at', 'event_id'] %}
        {{ touch_field(field) }} as {{ field }},
        {%- endfor %}
        {%- for field in origin %}
        {{ touch_field(field) }} as {{ field }},
        {%- endfor %}
        sessions.session_id,
        conversions.visitor_id
    from conversions
    inner join sessions
        on
            conversions.visitor_id = sessions.visitor_id
            and conversions.occurred_at >= sessions.started_at
            -- A session lies on two days, so no touch is two days after its start.
            and conversions.occurred_at - {{ lookback() }} - interval '2 days'
            < sessions.started_at
    cross join lateral {{ touches_of('sessions.touches') }}
),

found as (
    select *
    from arrivals
    where
        (touched_at, event_id) <= (occurred_at, conversion_id)
        and touched_at >= occurred_at - {{ lookback() }}
),

-- Until the day on which its session began is built, a conversion has its own event for a touch.
own as (
    select
        conversion_id,
        occurred_at,
        occurred_at as touched_at,
        conversion_id as event_id,
        {{ origin | join(',\n        ') }},
        null as session_id,
        visitor_id
    from conversions
    where conversion_id not in (select conversion_id from found)
),

touches as (
    select * from found
    union all
    select * from own
)

select
    conversion_id,
    occurred_at,
    row_number() over (
        partition by conversion_id
        order by touched_at, event_id
    ) as touch_number,
    touched_at,
    event_id,
    session_id,
    visitor_id,
    {{ origin | join(',\n    ') }},
    {{ is_direct('source') }} as is_direct
from touches
