{#- Who may use an asset until when, by the rules of dashboards_api/authorization.py. -#}
with events as (
    select * from {{ ref('int_lifecycle_events') }}
    where event_type in ('license_created', 'license_renewed', 'license_expired')
),

-- What renews or ends a license may name nothing but the license: whose it is, its creation tells.
created as (
    select distinct
        license_id,
        ip_asset_id,
        brand_id
    from events
    where
        event_type = 'license_created'
        and license_id is not null and ip_asset_id is not null and brand_id is not null
),

named as (
    select
        event_id,
        event_type,
        license_id,
        ip_asset_id,
        brand_id,
        starts_on,
        ends_on,
        is_term_readable,
        occurred_at
    from events
    where ip_asset_id is not null and brand_id is not null
    union
    select
        events.event_id,
        events.event_type,
        events.license_id,
        created.ip_asset_id,
        created.brand_id,
        events.starts_on,
        events.ends_on,
        events.is_term_readable,
        events.occurred_at
    from events
    inner join created on events.license_id = created.license_id
    where events.event_type in ('license_renewed', 'license_expired')
),

-- An end without a license id ends every license of the brand and asset that it names. On the day
-- of the end the license does not hold any more.
ended as (
    select
        terms.event_id,
        terms.license_id,
        terms.ip_asset_id,
        terms.brand_id,
        terms.starts_on,
        least(
            terms.ends_on,
            (min(ends.occurred_at) at time zone 'UTC')::date - 1
        ) as ends_on
    from named as terms
    left join named as ends
        on
            terms.ip_asset_id = ends.ip_asset_id
            and terms.brand_id = ends.brand_id
            and ends.event_type = 'license_expired'
            and (ends.license_id is null or ends.license_id = terms.license_id)
            and ends.occurred_at >= terms.occurred_at
    where terms.event_type <> 'license_expired' and terms.is_term_readable
    group by
        terms.event_id,
        terms.license_id,
        terms.ip_asset_id,
        terms.brand_id,
        terms.starts_on,
        terms.ends_on
),

-- A renewal extends: terms that touch or overlap are one period.
periods as (
    {{ merged_periods('ended', ['license_id', 'ip_asset_id', 'brand_id']) }}
)

select
    license_id,
    ip_asset_id,
    brand_id,
    {{ first_day('period') }} as valid_from,
    {{ last_day_of('period') }} as valid_to
from periods
