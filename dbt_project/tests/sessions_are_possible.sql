{#- A session ends after it begins, on its day or the next; nothing in it is negative; what is part
    of it is no more than all; it has a touch, and the first is its beginning. -#}
select *
from {{ ref('sessions') }}
where
    {{ built_window('started_at', ref('sessions')) }}
    and not (
        ended_at >= started_at
        and {{ utc_day('ended_at') }} - {{ utc_day('started_at') }} <= 1
        and duration_ms >= 0
        and events >= 1
        and least(
            events_next_day, page_views, views, clicks, conversions, revenue_cents, engagement_ms
        ) >= 0
        and greatest(events_next_day, page_views, views, clicks, conversions) <= events
        and is_bounce = not is_engaged
        and jsonb_array_length(touches) between 1 and events
        and (touches -> 0 ->> 'touched_at')::timestamptz = started_at
    )
