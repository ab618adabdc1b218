-- What a license is for, and on which days it holds.

-- The licenses of a brand on an asset: either has thousands, both together a few.
create index lifecycle_events_asset_brand on raw.lifecycle_events (ip_asset_id, brand_id);

drop index raw.lifecycle_events_asset;

-- What renews or ends a license, and what ends all licenses of a brand on an asset.
create index lifecycle_events_of_licenses
on raw.lifecycle_events (license_id, event_type, occurred_at)
where event_type in ('license_renewed', 'license_expired');

create index lifecycle_events_ends_of_all
on raw.lifecycle_events (ip_asset_id, brand_id, occurred_at)
where event_type = 'license_expired' and license_id is null;

-- Its creation tells what a license is for; another event only where that is silent.
create view rules.licenses as
select
    license_id,
    rules.first(ip_asset_id order by is_later, received_at, event_id) as ip_asset_id,
    rules.first(project_id order by is_later, received_at, event_id) as project_id,
    rules.first(brand_id order by is_later, received_at, event_id) as brand_id,
    rules.first(props_json ->> 'license_type' order by received_at, event_id) as license_type,
    rules.first(props_json ->> 'territory' order by received_at, event_id) as territory,
    rules.first(status order by occurred_at desc, order_of_life desc, event_id desc) as status,
    count(*) filter (where event_type = 'license_renewed') as renewals,
    rules.first(occurred_at order by received_at, event_id)
    filter (where not is_later) as created_at,
    min(occurred_at) filter (where event_type = 'license_signed') as signed_at,
    max(occurred_at) filter (where event_type = 'license_renewed') as renewed_at,
    max(occurred_at) filter (where event_type = 'license_expired') as expired_at
from (
    select *, event_type <> 'license_created' as is_later
    from rules.lifecycle_events
    where event_type like 'license%' and license_id is not null
) as events
group by license_id;

comment on view rules.licenses is
'One row per license: what it is for, whose, and how it stands by the last event that happened.';

-- What renews or ends a license may name nothing but the license: its creation tells the asset and the
-- brand. An end without a license id ends every license of the brand and asset that it names. An end
-- cuts the terms that were granted before it, and on its day the license does not hold any more. A term
-- that cannot be read grants nothing. Terms that touch or overlap are one period.
create view rules.license_periods as
with created as not materialized (
    select distinct license_id, ip_asset_id, brand_id
    from raw.lifecycle_events
    where
        event_type = 'license_created'
        and license_id is not null and ip_asset_id is not null and brand_id is not null
),

granted as (
    select license_id, ip_asset_id, brand_id, occurred_at, props_json
    from raw.lifecycle_events
    where
        event_type in ('license_created', 'license_renewed')
        and ip_asset_id is not null and brand_id is not null
    union all
    select created.*, renewals.occurred_at, renewals.props_json
    from created
    inner join raw.lifecycle_events as renewals on created.license_id = renewals.license_id
    where renewals.event_type = 'license_renewed'
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

-- Later views get this by the default privileges of 0017.
do $$
begin
    if exists (select from pg_roles where rolname = 'eventmill_reader') then
        grant usage on schema rules to eventmill_reader;
        grant select on all tables in schema rules to eventmill_reader;
        grant execute on all functions in schema rules to eventmill_reader;
    end if;
end
$$;
