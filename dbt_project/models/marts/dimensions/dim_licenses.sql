with licenses as (
    select * from {{ source('rules', 'licenses') }}
),

assets as (
    select
        ip_asset_id,
        creator_id
    from {{ ref('dim_assets') }}
),

-- From the first day of the first period to the last one of the last; one without limit has none.
periods as (
    select
        license_id,
        ip_asset_id,
        brand_id,
        case when count(*) = count(valid_from) then min(valid_from) end as valid_from,
        case when count(*) = count(valid_to) then max(valid_to) end as valid_to
    from {{ ref('dim_license_history') }}
    group by license_id, ip_asset_id, brand_id
)

select
    licenses.*,
    assets.creator_id,
    periods.license_id is not null as was_ever_valid,
    periods.valid_from,
    periods.valid_to
from licenses
left join assets on licenses.ip_asset_id = assets.ip_asset_id
left join periods
    on
        licenses.license_id = periods.license_id
        and licenses.ip_asset_id = periods.ip_asset_id
        and licenses.brand_id = periods.brand_id
