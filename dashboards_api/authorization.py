"""Who may see what: the only place that decides it.

The views of the schema `rules` say whose a thing is, and on which days a license holds, as soon as
an event arrives. This module decides what that allows:

- A creator sees their assets and the licenses of these.
- A brand always sees its projects and licenses, and an asset on the days on which it has a license
  for it. Of the asset it sees how much it is looked at, by everybody. What others do with it, and
  where their visitors come from, it does not see.
- An admin sees whatever any event names.

Everything else is NotFound, always in the same words. So an answer does not reveal whether a thing
exists that the caller may not see.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, LiteralString

from psycopg import AsyncConnection

from dashboards_api.database import Pool, snapshot, tuples
from dashboards_api.known import is_known
from eventmill.core.days import utc_today
from eventmill.core.errors import Forbidden, NotFound
from eventmill.core.plain_json import text_problem
from eventmill.core.registry import MAX_ID_CHARACTERS
from eventmill.core.tokens import Caller

CREATORS_ONLY = "only a token with the role creator or admin may read this"
BRANDS_ONLY = "only a token with the role brand or admin may read this"

NOT_FOR = {("brand", "creator"): CREATORS_ONLY, ("creator", "brand"): BRANDS_ONLY}

CREATOR_OF_ASSET = "select creator_id from rules.asset_creators where ip_asset_id = %(id)s"
ASSETS_OF_CREATOR = """
select ip_asset_id from rules.asset_creators where creator_id = %(creator_id)s order by ip_asset_id
"""
PROJECTS_OF_BRAND = """
select project_id from rules.project_brands where brand_id = %(brand_id)s order by project_id
"""
# By the caller's role and the kind of thing: whose it is.
OWNERS: dict[tuple[str, str], LiteralString] = {
    ("creator", "asset"): CREATOR_OF_ASSET,
    ("creator", "license"): """
        select creator_id
        from rules.asset_creators
        where ip_asset_id = (select ip_asset_id from rules.licenses where license_id = %(id)s)
    """,
    ("brand", "project"): "select brand_id from rules.project_brands where project_id = %(id)s",
    ("brand", "license"): "select brand_id from rules.licenses where license_id = %(id)s",
}
# Only of licenses that some event names together with the brand is it worked out whose they are.
LICENSES_OF_BRAND = """
select license_id
from rules.licenses
where
    brand_id = %(brand_id)s
    and license_id = any(
        array(select license_id from raw.lifecycle_events where brand_id = %(brand_id)s)
    )
order by license_id
"""
LICENSED_ASSETS = """
select distinct ip_asset_id
from rules.license_periods
where brand_id = %(brand_id)s and days @> %(today)s::date
order by ip_asset_id
"""
HAS_LICENSE = """
select ip_asset_id
from rules.license_periods
where brand_id = %(brand_id)s and ip_asset_id = %(asset_id)s and days @> %(today)s::date
limit 1
"""

Thing = Literal["asset", "project", "license", "creator", "brand"]


# What a brand sees of everybody's events on an asset that it licenses. Conversions, revenue,
# projects, campaigns and sources it sees of its own projects only.
LICENSED_NUMBERS = frozenset(("views", "clicks", "unique_visitors", "engagement_time"))
LICENSED_DIMENSIONS = frozenset(("date", "week", "month", "asset"))


@dataclass(frozen=True, slots=True)
class Visible:
    """The rows that a caller sees: those of these assets and those of these projects. Of `licensed`
    assets they see LICENSED_NUMBERS of all rows, by LICENSED_DIMENSIONS."""

    everything: bool = False
    assets: list[str] = field(default_factory=list)
    projects: list[str] = field(default_factory=list)
    licensed: list[str] = field(default_factory=list)


def not_found(thing: Thing) -> NotFound:
    """The one answer for a thing that does not exist and for one that is not the caller's."""
    return NotFound(f"there is no such {thing}, or this token may not see it")


async def require(pool: Pool, caller: Caller, thing: Thing, identifier: str) -> None:
    """Return if `caller` may see the thing's numbers. Raises NotFound; Forbidden where the caller's
    role has no such dashboard. One's own is there before the first upload or project."""
    if (caller.role, thing) in NOT_FOR:
        raise Forbidden(NOT_FOR[caller.role, thing])
    # Raised outside of the transaction: a rollback would make psycopg forget prepared statements.
    allowed = False
    if _storable(identifier):
        async with snapshot(pool) as connection:
            allowed = await _may_see(connection, caller, thing, identifier)
    if not allowed:
        raise not_found(thing)


async def _may_see(
    connection: AsyncConnection, caller: Caller, thing: Thing, identifier: str
) -> bool:
    match caller.role, thing:
        case "admin", _:
            return await is_known(connection, thing, identifier)
        case "creator", "creator":
            return identifier == caller.sub
        case "brand", "brand":
            return identifier == caller.brand_id
        case "brand", "asset":
            values = {"brand_id": caller.brand_id, "asset_id": identifier, "today": utc_today()}
            return await _one(connection, HAS_LICENSE, **values) is not None
        case ("creator", "asset" | "license") | ("brand", "project" | "license"):
            owner = caller.sub if caller.role == "creator" else caller.brand_id
            found = await _one(connection, OWNERS[caller.role, thing], id=identifier)
            return found is not None and found == owner
        case _:  # a creator and a project
            return False


async def creator_of_asset(connection: AsyncConnection, asset_id: str) -> str | None:
    """Who uploaded the asset; None if no upload says so."""
    return await _one(connection, CREATOR_OF_ASSET, id=asset_id)


async def assets_of_creator(connection: AsyncConnection, creator_id: str) -> list[str]:
    """The assets that the creator uploaded, in order."""
    return await _column(connection, ASSETS_OF_CREATOR, creator_id=creator_id)


async def projects_of_brand(connection: AsyncConnection, brand_id: str) -> list[str]:
    """The brand's projects, in order."""
    return await _column(connection, PROJECTS_OF_BRAND, brand_id=brand_id)


async def licenses_of_brand(connection: AsyncConnection, brand_id: str) -> list[str]:
    """The brand's licenses, whether they hold or not, in order."""
    return await _column(connection, LICENSES_OF_BRAND, brand_id=brand_id)


async def licensed_assets(connection: AsyncConnection, brand_id: str) -> list[str]:
    """The assets that the brand has a license on today, in order."""
    return await _column(connection, LICENSED_ASSETS, brand_id=brand_id, today=utc_today())


async def visible(connection: AsyncConnection, caller: Caller) -> Visible:
    """What `caller` sees: a creator rows of their assets, a brand rows of its projects, and some
    columns of the assets that it has a license on today, an admin everything."""
    match caller.role:
        case "admin":
            return Visible(everything=True)
        case "creator":
            return Visible(assets=await assets_of_creator(connection, caller.sub))
        case "brand":
            brand_id = str(caller.brand_id)
            return Visible(
                projects=await projects_of_brand(connection, brand_id),
                licensed=await licensed_assets(connection, brand_id),
            )


async def _one(connection: AsyncConnection, query: LiteralString, **parameters: Any) -> str | None:
    values = await _column(connection, query, **parameters)
    return values[0] if values else None


async def _column(
    connection: AsyncConnection, query: LiteralString, **parameters: Any
) -> list[str]:
    """The values of a query of one column; none where a parameter cannot be an id.

    Prepared, since planning takes longer than answering.
    """
    if not all(_storable(value) for value in parameters.values() if isinstance(value, str)):
        return []
    return [value for (value,) in await tuples(connection, query, parameters, prepare=True)]


def _storable(identifier: str) -> bool:
    """Whether PostgreSQL can hold it and ingest lets it in; if not, no event can name it."""
    return len(identifier) <= MAX_ID_CHARACTERS and text_problem(identifier) is None
