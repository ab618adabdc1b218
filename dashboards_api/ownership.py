"""The SQL of who owns what, on `raw.lifecycle_events`: `authorization.py` decides with it.

The rules are those of the dimensions (dbt's dim_assets, dim_projects, dim_licenses and
dim_license_history); here they hold from the moment that an event arrives. Every question is
answered from an index of the few events that matter, and prepared: planning takes longer than
answering. A test compares both.
"""

from typing import Any, LiteralString

from psycopg import AsyncConnection

from dashboards_api.database import tuples

# Whom an upload names. The first to arrive decides, by received_at, which no client sets: nobody
# takes over an asset by uploading it again.
CREATOR_OF_ASSET: LiteralString = """
    select uploads.uploader
    from raw.lifecycle_events as uploads
    where
        uploads.ip_asset_id = {asset_id}
        and uploads.event_type = 'asset_uploaded'
        and uploads.uploader is not null
    order by uploads.received_at, uploads.event_id
    limit 1
"""

BRAND_OF_PROJECT: LiteralString = """
    select created.brand_id
    from raw.lifecycle_events as created
    where
        created.project_id = {project_id}
        and created.event_type = 'project_created'
        and created.brand_id is not null
    order by created.received_at, created.event_id
    limit 1
"""

# The column of the license's first event that names it, its creation before any other.
FACT_OF_LICENSE: LiteralString = """
    select facts.{column}
    from raw.lifecycle_events as facts
    where
        facts.license_id = {license_id}
        and facts.event_type like 'license%%'
        and facts.{column} is not null
    order by facts.event_type <> 'license_created', facts.received_at, facts.event_id
    limit 1
"""

# What an owner is named with, and of that what is theirs.
_OWNED: LiteralString = """
with named as (
    select distinct {thing}
    from raw.lifecycle_events
    where {column} = %({owner})s and event_type {types} and {thing} is not null
)

select named.{thing}
from named
where ({decided}) = %({owner})s
order by named.{thing}
"""
ASSETS_OF_CREATOR = _OWNED.format(
    thing="ip_asset_id",
    column="uploader",
    owner="creator_id",
    types="= 'asset_uploaded'",
    decided=CREATOR_OF_ASSET.format(asset_id="named.ip_asset_id"),
)
PROJECTS_OF_BRAND = _OWNED.format(
    thing="project_id",
    column="brand_id",
    owner="brand_id",
    types="= 'project_created'",
    decided=BRAND_OF_PROJECT.format(project_id="named.project_id"),
)
LICENSES_OF_BRAND = _OWNED.format(
    thing="license_id",
    column="brand_id",
    owner="brand_id",
    types="like 'license%%'",
    decided=FACT_OF_LICENSE.format(column="brand_id", license_id="named.license_id"),
)


# A `YYYY-MM-DD` of the calendar as a date, anything else null; never an error. The macro `iso_date`
# of the dbt project.
ISO_DATE: LiteralString = """case
        when {text} !~ '^[0-9]{{4}}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then null
        when left({text}, 4) = '0000' then null
        when
            right({text}, 2)::integer > extract(
                day from make_date(left({text}, 4)::integer, substr({text}, 6, 2)::integer, 1)
                + interval '1 month' - interval '1 day'
            ) then null
        else {text}::date
    end"""

# The assets that a brand has a license on today; `of_an_asset` looks at one alone. What renews or
# ends a license may name nothing but the license: whose it is, its creation tells. A term that
# cannot be read grants nothing. An end without a license id ends every license of the brand and
# asset that it names, and on its day the license does not hold any more.
LICENSED: LiteralString = """
with named as (
    select event_id, event_type, license_id, ip_asset_id, occurred_at, props_json
    from raw.lifecycle_events
    where
        brand_id = %(brand_id)s
        and event_type in ('license_created', 'license_renewed', 'license_expired')
        and ip_asset_id {of_an_asset}
),

created as (
    select distinct license_id, ip_asset_id
    from named
    where event_type = 'license_created' and license_id is not null
),

of_the_same_license as (
    select
        events.event_id,
        events.event_type,
        events.license_id,
        created.ip_asset_id,
        events.occurred_at,
        events.props_json
    from created
    inner join raw.lifecycle_events as events on created.license_id = events.license_id
    where events.event_type in ('license_renewed', 'license_expired')
),

events as (
    select * from named
    union all
    select * from of_the_same_license
),

terms as (
    select
        license_id,
        ip_asset_id,
        occurred_at,
        props_json ->> 'starts_on' as starts_text,
        props_json ->> 'ends_on' as ends_text
    from events
    where event_type <> 'license_expired'
),

ends as (
    select license_id, ip_asset_id, occurred_at
    from events
    where
        event_type = 'license_expired'
        and (occurred_at at time zone 'UTC')::date <= %(today)s
)

select distinct terms.ip_asset_id
from terms
where
    (terms.starts_text is null or {starts_on} <= %(today)s)
    and (terms.ends_text is null or {ends_on} >= %(today)s)
    and not exists (
        select from ends
        where
            ends.ip_asset_id = terms.ip_asset_id
            and (ends.license_id is null or ends.license_id = terms.license_id)
            and ends.occurred_at >= terms.occurred_at
    )
order by terms.ip_asset_id
"""


def _licensed(of_an_asset: LiteralString) -> LiteralString:
    return LICENSED.format(
        of_an_asset=of_an_asset,
        starts_on=ISO_DATE.format(text="terms.starts_text"),
        ends_on=ISO_DATE.format(text="terms.ends_text"),
    )


LICENSED_ASSETS = _licensed("is not null")
LICENSE_OF_ASSET = _licensed("= %(asset_id)s")


async def column(connection: AsyncConnection, query: LiteralString, **parameters: Any) -> list[str]:
    """The values of a query of one column."""
    return [value for (value,) in await tuples(connection, query, parameters, prepare=True)]
