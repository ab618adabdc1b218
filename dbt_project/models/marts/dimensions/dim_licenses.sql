with events as (
    select * from {{ ref('int_lifecycle_events') }}
    where event_type like 'license%' and license_id is not null
),

assets as (
    select
        ip_asset_id,
        creator_id
    from {{ ref('dim_assets') }}
),

licenses as (
    select
        license_id,
        coalesce(
            {{ first_to_arrive('ip_asset_id', "event_type = 'license_created'") }},
            {{ first_to_arrive('ip_asset_id') }}
        ) as ip_asset_id,
        coalesce(
            {{ first_to_arrive('project_id', "event_type = 'license_created'") }},
            {{ first_to_arrive('project_id') }}
        ) as project_id,
        coalesce(
            {{ first_to_arrive('brand_id', "event_type = 'license_created'") }},
            {{ first_to_arrive('brand_id') }}
        ) as brand_id,
        {{ first_to_arrive('license_type') }} as license_type,
        {{ first_to_arrive('territory') }} as territory,
        {{ last_status() }} as status,
        count(*) filter (where event_type = 'license_renewed') as renewals,
        {{ first_to_arrive('occurred_at', "event_type = 'license_created'") }} as created_at,
        min(occurred_at) filter (where event_type = 'license_signed') as signed_at,
        max(occurred_at) filter (where event_type = 'license_renewed') as renewed_at,
        max(occurred_at) filter (where event_type = 'license_expired') as expired_at
    from events
    group by license_id
),

periods as (
    select
        license_id,
        ip_asset_id,
        brand_id,
        {{ spanning_period('valid_from', 'valid_to') }} as period
    from {{ ref('dim_license_history') }}
    group by license_id, ip_asset_id, brand_id
)

select
    licenses.license_id,
    licenses.ip_asset_id,
    licenses.project_id,
    licenses.brand_id,
    assets.creator_id,
    licenses.license_type,
    licenses.territory,
    licenses.status,
    licenses.renewals,
    periods.period is not null as was_ever_valid,
    {{ first_day('periods.period') }} as valid_from,
    {{ last_day_of('periods.period') }} as valid_to,
    licenses.created_at,
    licenses.signed_at,
    licenses.renewed_at,
    licenses.expired_at
from licenses
left join assets on licenses.ip_asset_id = assets.ip_asset_id
left join periods
    on
        licenses.license_id = periods.license_id
        and licenses.ip_asset_id = periods.ip_asset_id
        and licenses.brand_id = periods.brand_id
