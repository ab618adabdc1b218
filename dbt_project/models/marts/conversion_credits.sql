{{ config(materialized='view') }}

with credits as (
    select * from {{ unfiltered(ref('int_conversion_credits')) }}
),

assets as (
    select * from {{ ref('dim_assets') }}
)

select
    credits.conversion_id,
    credits.occurred_at,
    credits.model,
    credits.touch_number,
    credits.touched_at,
    credits.reached_by,

    credits.source,
    credits.medium,
    credits.campaign,
    credits.term,
    credits.content,
    credits.channel,

    credits.project_id,
    credits.ip_asset_id,
    credits.license_id,
    credits.brand_id,
    assets.creator_id,

    credits.credit,
    credits.amount_cents,
    credits.currency,
    credits.revenue_cents
from credits
left join assets on credits.ip_asset_id = assets.ip_asset_id
