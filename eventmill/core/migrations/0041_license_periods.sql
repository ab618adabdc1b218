-- Only servers and admins grant licenses and end them, as `rules.licenses` has it: a license gives a brand
-- numbers of somebody else's asset.

-- What renews or ends a license may name nothing but the license: its creation tells the asset and the
-- brand. An end without a license id ends every license of the brand and asset that it names. An end
-- cuts the terms that were granted before it, and on its day the license does not hold any more. A term
-- that cannot be read grants nothing. Terms that touch or overlap are one period.
create or replace view rules.license_periods as
with created as not materialized (
    select distinct license_id, ip_asset_id, brand_id
    from raw.lifecycle_events
    where
        event_type = 'license_created'
        and license_id is not null and ip_asset_id is not null and brand_id is not null
        and rules.may_claim(trust, actor_type, 'admin')
),

granted as (
    select license_id, ip_asset_id, brand_id, occurred_at, props_json
    from raw.lifecycle_events
    where
        event_type in ('license_created', 'license_renewed')
        and ip_asset_id is not null and brand_id is not null
        and rules.may_claim(trust, actor_type, 'admin')
    union all
    select created.*, renewals.occurred_at, renewals.props_json
    from created
    inner join raw.lifecycle_events as renewals on created.license_id = renewals.license_id
    where
        renewals.event_type = 'license_renewed'
        and rules.may_claim(renewals.trust, renewals.actor_type, 'admin')
),

terms as (
    select
        granted.license_id, granted.ip_asset_id, granted.brand_id,
        dates.starts_on,
        least(dates.ends_on, (ends.first_at at time zone 'UTC')::date - 1) as ends_on
    from granted
    -- `offset 0`: each is computed once, however often it is mentioned.
    cross join lateral (
        select
            granted.props_json ->> 'starts_on' as starts_text,
            granted.props_json ->> 'ends_on' as ends_text,
            rules.iso_date(granted.props_json ->> 'starts_on') as starts_on,
            rules.iso_date(granted.props_json ->> 'ends_on') as ends_on
        offset 0
    ) as dates
    cross join lateral (
        select
            least(
                (
                    select min(own.occurred_at)
                    from raw.lifecycle_events as own
                    where
                        own.event_type = 'license_expired'
                        and rules.may_claim(own.trust, own.actor_type, 'admin')
                        and own.license_id = granted.license_id
                        and own.occurred_at >= granted.occurred_at
                        and (
                            (own.ip_asset_id, own.brand_id)
                            = (granted.ip_asset_id, granted.brand_id)
                            or exists (
                                select from created
                                where
                                    (license_id, ip_asset_id, brand_id)
                                    = (granted.license_id, granted.ip_asset_id, granted.brand_id)
                            )
                        )
                ),
                (
                    select min(of_all.occurred_at)
                    from raw.lifecycle_events as of_all
                    where
                        of_all.event_type = 'license_expired'
                        and rules.may_claim(of_all.trust, of_all.actor_type, 'admin')
                        and of_all.license_id is null
                        and of_all.ip_asset_id = granted.ip_asset_id
                        and of_all.brand_id = granted.brand_id
                        and of_all.occurred_at >= granted.occurred_at
                )
            ) as first_at
        offset 0
    ) as ends
    where
        (dates.starts_text is null or dates.starts_on is not null)
        and (dates.ends_text is null or dates.ends_on is not null)
)

select
    license_id, ip_asset_id, brand_id, days,
    lower(days) as valid_from, upper(days) - 1 as valid_to
from (
    select
        license_id, ip_asset_id, brand_id,
        unnest(range_agg(daterange(starts_on, ends_on, '[]'))) as days
    from terms
    where coalesce(starts_on <= ends_on, true)
    group by license_id, ip_asset_id, brand_id
) as periods;

comment on view rules.license_periods is
'One row per license, brand, asset and stretch of UTC days in which the brand may use the asset; null is unlimited.';
