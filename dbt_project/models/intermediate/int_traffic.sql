with events as (
    select * from {{ ref('int_events') }}
),

traffic as (
    select
        (occurred_at at time zone 'UTC')::date as date,
        occurred_at,
        visitor_id,
        ip_asset_id,
        project_id,
        license_id,

        actor_type,
        channel,
        traffic_source as source,
        traffic_medium as medium,
        traffic_campaign as campaign,
        country,
        device_type as device,
        browser,
        os,
        event_type,
        props_json,

        1 as events,
        views,
        clicks,
        conversions,
        revenue_cents,
        engagement_ms as engagement_time,

        is_user_agent_enriched and is_referrer_enriched as is_classified
    from events
    where is_counted
)

select
    {% for column in added_columns() -%}
        {{ column.expression }} as {{ column.name }},
    {% endfor -%}
    *
from traffic
