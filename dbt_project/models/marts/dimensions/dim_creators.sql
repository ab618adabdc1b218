with active as (
    select * from {{ source('rules', 'creators') }}
),

assets as (
    select
        creator_id,
        count(*) as assets,
        count(*) filter (where status = 'approved') as approved_assets
    from {{ ref('dim_assets') }}
    group by creator_id
),

licenses as (
    select
        creator_id,
        count(*) as licenses
    from {{ ref('dim_licenses') }}
    group by creator_id
)

select
    active.creator_id,
    coalesce(assets.assets, 0) as assets,
    coalesce(assets.approved_assets, 0) as approved_assets,
    coalesce(licenses.licenses, 0) as licenses,
    active.first_active_at,
    active.last_active_at
from active
left join assets on active.creator_id = assets.creator_id
left join licenses on active.creator_id = licenses.creator_id
