{#- The set of a row holds as many numbers as visitors were counted, and nothing is negative. -#}
select
    date,
    project_id,
    ip_asset_id,
    license_id,
    unique_visitors,
    octet_length(visitors) as bytes
from {{ ref('int_entity_days') }}
where
    {{ built_window('date', ref('int_entity_days')) }}
    and (
        octet_length(visitors) <> 4 * unique_visitors
        or least(
            views, clicks, conversions, revenue_cents, engagement_time,
            unique_visitors, bot_events, bot_visitors
        ) < 0
    )
