{{ config(event_time='occurred_at') }}

with events as (
    select * from {{ ref('int_events') }}
)

select
    event_id,
    occurred_at,
    visitor_id,
    session_id,

    utm_source,
    utm_medium,
    utm_campaign,
    utm_term,
    utm_content,
    click_id,
    referrer,
    referrer_domain,
    landing_page,
    channel,
    device_type,
    browser,
    browser_version,
    os,
    os_version,
    country,

    is_bot,
    created_at
from events
