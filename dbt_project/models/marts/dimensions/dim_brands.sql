with active as (
    select * from {{ source('rules', 'brands') }}
),

projects as (
    select
        brand_id,
        count(*) as projects
    from {{ ref('dim_projects') }}
    group by brand_id
),

licenses as (
    select
        brand_id,
        count(*) as licenses,
        count(distinct ip_asset_id) as licensed_assets
    from {{ ref('dim_licenses') }}
    group by brand_id
)

select
    active.brand_id,
    coalesce(projects.projects, 0) as projects,
    coalesce(licenses.licenses, 0) as licenses,
    coalesce(licenses.licensed_assets, 0) as licensed_assets,
    active.first_active_at,
    active.last_active_at
from active
left join projects on active.brand_id = projects.brand_id
left join licenses on active.brand_id = licenses.brand_id
