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

claimed_links as (
    {{ claimed_links() }}
),

-- Whose sessions lead to the conversion.
followed as (
    select
        conversions.*,
        visitor_id as touched_by,
        false as is_claimed
    from conversions
    union all
    select
        conversions.*,
        claimed_links.anonymous_visitor as touched_by,
        true as is_claimed
    from conversions
    inner join claimed_links
        on
            conversions.visitor_id = claimed_links.visitor_id
            and conversions.received_at >= claimed_links.received_at
),

arrivals as (
    select
        conversions.conversion_id,
        conversions.occurred_at,
        {%- for field in ['touched_at', 'event_id'] + origin + touch_evidence() %}
        {{ touch_field(field) }} as {{ field }},
        {%- endfor %}
        sessions.session_id,
        conversions.visitor_id,
        conversions.is_claimed,
        conversions.received_at as conversion_received_at,
        conversions.trust as conversion_trust
    from followed as conversions
    inner join sessions
        on
            conversions.touched_by = sessions.visitor_id
            and conversions.occurred_at >= sessions.started_at
            -- A session lies on two days, so no touch is two days after its start.
            and conversions.occurred_at - {{ lookback() }} - interval '2 days'
            < sessions.started_at
    cross join lateral {{ touches_of('sessions.touches') }}
),

found as (
    select
        conversion_id,
        occurred_at,
        touched_at,
        event_id,
        {{ origin | join(',\n        ') }},
        session_id,
        visitor_id,
        case when is_claimed then 'claimed' else coalesce(reached_by, 'same') end as reached_by
    from arrivals
    where
        (touched_at, event_id) <= (occurred_at, conversion_id)
        and touched_at >= occurred_at - {{ lookback() }}
        and ({{ earns() }})
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
        visitor_id,
        coalesce(reached_by, 'same') as reached_by
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
    reached_by,
    {{ origin | join(',\n    ') }},
    {{ is_direct('source') }} as is_direct
from touches
