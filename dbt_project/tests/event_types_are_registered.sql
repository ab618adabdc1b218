-- Every event type of the built days is in the tracking plan, or was when it was sent.
select
    events.event_type,
    count(*) as events
from {{ ref('stg_raw__events') }} as events
where
    {{ built_window('occurred_at', ref('stg_raw__events')) }}
    and not exists (
        select 1
        from {{ source('raw', 'tracking_plan') }} as plan
        where plan.event_type = events.event_type
    )
group by events.event_type
