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

found as (
    select
        conversions.conversion_id,
        conversions.occurred_at,
        touch.touched_at,
        touch.event_id,
        sessions.session_id,
        conversions.visitor_id,
        {%- for column in origin %}
        touch.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from conversions
    inner join sessions
        on
            conversions.visitor_id = sessions.visitor_id
            and sessions.started_at <= conversions.occurred_at
            -- A session lies on two days, so no touch is two days after its start.
            and sessions.started_at
            > conversions.occurred_at - {{ lookback() }} - interval '2 days'
    cross join lateral {{ touches_of('sessions.touches') }}
    where
        (touch.touched_at, touch.event_id) <= (conversions.occurred_at, conversions.conversion_id)
        and touch.touched_at >= conversions.occurred_at - {{ lookback() }}
),

-- While the day on which its session began is not built, a conversion has its own event for a touch.
own as (
    select
        conversion_id,
        occurred_at,
        occurred_at as touched_at,
        conversion_id as event_id,
        null::text as session_id,
        visitor_id,
        {{ origin | join(',\n        ') }}
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
