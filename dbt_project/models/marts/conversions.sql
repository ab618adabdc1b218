{{ config(event_time='occurred_at') }}

with events as (
    select * from {{ ref('int_events') }}
)

select
    event_id as conversion_id,
    occurred_at,
    received_at,
    trust::smallint as trust,
    visitor_id,
    reached_by,
    event_type,
    project_id,
    ip_asset_id,
    license_id,
    brand_id,

    amount_cents,
    currency,
    revenue_cents,

    traffic_source as source,
    traffic_medium as medium,
    traffic_campaign as campaign,
    rules.clean_tag(utm_term) as term,
    rules.clean_tag(utm_content) as content,
    channel
from events
where is_counted and conversions > 0
