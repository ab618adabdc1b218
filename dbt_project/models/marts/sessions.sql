{{
    config(
        event_time='started_at',
        indexes=[{'columns': ['visitor_id', 'started_at']}],
    )
}}

{%- set touch = touch_fields() -%}
{%- set device = ['device_type', 'browser', 'os', 'country'] -%}
{%- set sums = ['views', 'clicks', 'conversions', 'revenue_cents', 'engagement_ms'] -%}
{%- set counted -%}
select * from {{ unfiltered(ref('int_events')) }} where is_counted
{%- endset -%}
{%- set of_the_day -%}
occurred_at >= {{ batch_start() }} and occurred_at < {{ batch_start(1) }}
{%- endset -%}
{%- set beside_the_day -%}
occurred_at >= {{ batch_start(-2) }} and occurred_at < {{ batch_start(2) }}
        and not ({{ of_the_day }})
{%- endset -%}

with ids as not materialized (
    select
        event_id,
        visitor_id,
        session_id,
        occurred_at
    from ({{ counted }}) as counted
    where occurred_at >= {{ batch_start(-2) }} and occurred_at < {{ batch_start(2) }}
),

-- Whose sessions may cross a midnight: a session_id is there on both sides, or no long pause lies
-- between. Of all other visitors the neighbouring days say nothing.
crossing as (
    select beside.visitor_id
    from ids as beside
    inner join ids as today
        on beside.visitor_id = today.visitor_id and beside.session_id = today.session_id
    where
        beside.occurred_at >= {{ batch_start(-1) }}
        and beside.occurred_at < {{ batch_start(2) }}
        and not (
            beside.occurred_at >= {{ batch_start() }} and beside.occurred_at < {{ batch_start(1) }}
        )
        and today.occurred_at >= {{ batch_start() }}
        and today.occurred_at < {{ batch_start(1) }}
    {%- for midnight in [0, 1] %}
    union
    select before.visitor_id
    from ids as before
    inner join ids as later on before.visitor_id = later.visitor_id
    where
        before.occurred_at >= {{ batch_start(midnight) }} - {{ session_pause() }}
        and before.occurred_at < {{ batch_start(midnight) }}
        and later.occurred_at >= {{ batch_start(midnight) }}
        and later.occurred_at < {{ batch_start(midnight) }} + {{ session_pause() }}
    {%- endfor %}
),

marks as (
    {{ visitor_marks('crossing') }}
),

events as (
    select * from ({{ counted }}) as today where {{ of_the_day }}
    union all
    select *
    from ({{ counted }}) as beside
    where
        {{ beside_the_day }}
        and {{ may_be_marked('visitor_id', 'marks') }}
        and visitor_id in (select visitor_id from crossing)
),

followed as (
    select
        event_id,
        visitor_id,
        session_id,
        occurred_at,
        {{ touch_evidence() | join(',\n        ') }},
        (occurred_at at time zone 'UTC')::date as day,
        page_url,
        traffic_source as source,
        traffic_medium as medium,
        traffic_campaign as campaign,
        rules.clean_tag(utm_term) as term,
        rules.clean_tag(utm_content) as content,
        channel,
        click_id,
        referrer_domain,
        landing_page,
        {{ device | join(',\n        ') }},
        actor_id is not null as is_logged_in,
        {{ is_page_view() }} as is_page_view,
        {{ sums | join(',\n        ') }},
        lag(occurred_at) over visit as previous_at,
        bool_or(session_id is null) over (partition by visitor_id) as lacks_ids
    from events
    window visit as (partition by visitor_id order by occurred_at, event_id)
),

chained as (
    select
        *,
        max(occurred_at) filter (
            where previous_at is null or occurred_at - previous_at > {{ session_pause() }}
        ) over visit as chain_started_at,
        max(occurred_at) filter (where session_id is not null) over visit as numbered_at,
        max({{ numbered_position() }}) filter (where lacks_ids) over visit as numbered
    from followed
    window visit as (partition by visitor_id order by occurred_at, event_id)
),

-- In one chain and day, who has no earlier number has none before the first.
keyed as (
    select
        *,
        case
            when session_id is not null then session_id
            when
                numbered_at >= chain_started_at
                and numbered_at >= (day - 1)::timestamp at time zone 'UTC'
                then {{ session_id_of_position('numbered') }}
            else {{ session_id_of_position(
                'min(' ~ numbered_position() ~ ') filter (where lacks_ids) over chain_day'
            ) }}
        end as client_session_id
    from chained
    window chain_day as (partition by visitor_id, chain_started_at, day)
),

-- Without a number a chain is its own session.
pieced as (
    select
        *,
        coalesce(
            'id ' || client_session_id, 'at ' || {{ epoch_text('chain_started_at') }}
        ) as session_key
    from keyed
),

days as (
    select
        visitor_id,
        session_key,
        day,
        min(occurred_at) as first_at,
        max(occurred_at) filter (where session_id is not null) as last_numbered_at,
        coalesce(min(chain_started_at) filter (where client_session_id is null), 'infinity')
        < day::timestamp at time zone 'UTC' as is_chained
    from pieced
    where visitor_id in (select visitor_id from crossing)
    group by visitor_id, session_key, day
),

linked as (
    select
        *,
        is_chained or coalesce(
            lag(day) over piece = day - 1
            and first_at - lag(last_numbered_at) over piece <= {{ numbered_session_pause() }},
            false
        ) as is_linked,
        lag(day) over piece = day - 1 as has_day_before
    from days
    window piece as (partition by visitor_id, session_key order by day)
),

pieces as (
    select
        visitor_id,
        session_key,
        day,
        coalesce(
            is_linked and has_day_before and not lag(is_linked) over piece, false
        ) as goes_on
    from linked
    window piece as (partition by visitor_id, session_key order by day)
),

session_events as (
    select
        pieced.*,
        row_number() over session_so_far as event_number
    from pieced
    left join pieces
        on
            pieced.visitor_id = pieces.visitor_id
            and pieced.session_key = pieces.session_key
            and pieced.day = pieces.day
    where
        (pieced.day = {{ batch_day() }} and pieces.goes_on is not true)
        or (pieced.day = {{ batch_day() }} + 1 and pieces.goes_on)
    window
        session_so_far as (
            partition by pieced.visitor_id, pieced.session_key
            order by pieced.occurred_at, pieced.event_id
        )
),

-- Each arrival either equals the touch before it or is the next, so the touch before an arrival is
-- what the arrival before it was.
arrivals as (
    select
        *,
        event_number = 1 or not {{ is_direct('source') }} as is_arrival
    from session_events
),

touched as (
    select
        *,
        is_arrival and (
            event_number = 1
            or (source, medium, campaign) is distinct from (
                lag(source) over arrival, lag(medium) over arrival, lag(campaign) over arrival
            )
        ) as is_touch
    from arrivals
    window
        arrival as (
            partition by visitor_id, session_key, is_arrival, reached_by = 'claimed'
            order by occurred_at, event_id
        )
),

summed as (
    select
        visitor_id,
        session_key,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        min(client_session_id) as client_session_id,
        count(*) as events,
        count(*) filter (where day > {{ batch_day() }}) as events_next_day,
        count(*) filter (where is_page_view) as page_views,
        {%- for column in sums %}
        {{ bigint('sum(' ~ column ~ ')') }} as {{ column }},
        {%- endfor %}
        bool_or(is_logged_in) as is_logged_in,
        {%- for column in touch + device %}
        min({{ column }}) filter (where event_number = 1) as {{ column }},
        {%- endfor %}
        array_agg(page_url order by occurred_at, event_id) filter (
            where page_url is not null
        ) as pages,
        to_jsonb(
            array_agg({{ touch_as_json(touch + ['reached_by']) }} order by occurred_at, event_id)
            filter (where is_touch)
        ) as touches
    from touched
    group by visitor_id, session_key
),

measured as (
    select
        *,
        {{ milliseconds('ended_at - started_at') }} as duration_ms
    from summed
),

judged as (
    select
        *,
        {{ is_engaged_session() }} as is_engaged
    from measured
)

select
    {{ session_id() }} as session_id,
    visitor_id,
    client_session_id,

    started_at,
    ended_at,
    duration_ms,
    engagement_ms,

    events,
    events_next_day,
    page_views,
    views,
    clicks,
    conversions,
    revenue_cents,

    is_engaged,
    not is_engaged as is_bounce,
    is_logged_in,

    {{ touch | join(',\n    ') }},
    {%- for column in ['source', 'medium', 'campaign', 'channel'] %}
    touches -> -1 ->> '{{ column }}' as last_{{ column }},
    {%- endfor %}
    pages[1] as entry_page,
    pages[array_length(pages, 1)] as exit_page,
    {{ device | join(',\n    ') }},

    touches,
    now() as created_at
from judged
