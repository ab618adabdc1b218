{{ config(materialized='view') }}

select
    date,
    project_id,
    ip_asset_id,
    license_id,

    views,
    clicks,
    conversions,
    revenue_cents,
    unique_visitors,
    engagement_time,
    bot_events,
    bot_visitors,
    was_removed,

    definition,
    build_id,
    replaced_by,
    replaced_at
from {{ source('enrichment', 'replaced_metrics') }}
