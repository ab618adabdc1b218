"""Who may see what: the only place that decides it.

Ownership is learnt from the stream, and holds from the moment that an event arrives:

- The creator of an asset is who uploaded it: the actor of the first `asset_uploaded` to arrive
  (`received_at`, which no client sets), so nobody takes over an asset by uploading it again. An
  upload by somebody else, such as the app's server, names the creator in `creator_id`.
- The brand of a project is the one that the first `project_created` to arrive names; the brand and
  the asset of a license likewise, by `license_created`.
- A brand may see an asset while it has a license for it: a `license_created` or `license_renewed`
  whose `props.starts_on` and `props.ends_on` (inclusive; absent is unlimited) hold today, and that
  no later `license_expired` of the same license ended. It always sees its projects and licenses.
- A creator may see the licenses of their assets.
- An admin sees whatever any event names.

Everything else is NotFound, always in the same words, so an answer never tells whether a thing
exists that the caller may not see. The SQL is in `ownership.py`.
"""

from dataclasses import dataclass
from typing import Literal

from psycopg import AsyncConnection

from dashboards_api import ownership
from dashboards_api.database import Pool, snapshot
from dashboards_api.known import is_known
from eventmill.core.days import utc_today
from eventmill.core.errors import Forbidden, NotFound
from eventmill.core.tokens import Caller

MAX_ID_LENGTH = 200

CREATORS_ONLY = "only a token with the role creator or admin may read this"
BRANDS_ONLY = "only a token with the role brand or admin may read this"

Thing = Literal["asset", "project", "license", "creator", "brand"]


@dataclass(frozen=True, slots=True)
class Visible:
    """The rows that a caller sees: those of these assets and those of these projects."""

    everything: bool
    assets: list[str]
    projects: list[str]


def not_found(thing: Thing) -> NotFound:
    """The one answer for a thing that does not exist and for one that is not the caller's."""
    return NotFound(f"there is no such {thing}, or this token may not see it")


def asset_not_found() -> NotFound:
    return not_found("asset")


async def require_asset(pool: Pool, caller: Caller, asset_id: str) -> None:
    """Return if `caller` may see the asset's numbers. Raises NotFound."""
    await _require(pool, caller, "asset", asset_id)


async def require_project(pool: Pool, caller: Caller, project_id: str) -> None:
    """Return if `caller` may see the project's numbers. Raises NotFound."""
    await _require(pool, caller, "project", project_id)


async def require_license(pool: Pool, caller: Caller, license_id: str) -> None:
    """Return if `caller` may see the license's numbers. Raises NotFound."""
    await _require(pool, caller, "license", license_id)


async def require_creator(pool: Pool, caller: Caller, creator_id: str) -> None:
    """Return if `caller` may see the creator's dashboard; for themselves it is there before the
    first upload. Raises Forbidden for a brand, NotFound for another creator."""
    if caller.role == "brand":
        raise Forbidden(CREATORS_ONLY)
    await _require(pool, caller, "creator", creator_id)


async def require_brand(pool: Pool, caller: Caller, brand_id: str) -> None:
    """Return if `caller` may see the brand's dashboard; for itself it is there before its first
    project. Raises Forbidden for a creator, NotFound for another brand."""
    if caller.role == "creator":
        raise Forbidden(BRANDS_ONLY)
    await _require(pool, caller, "brand", brand_id)


async def _require(pool: Pool, caller: Caller, thing: Thing, identifier: str) -> None:
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
        case "creator", "asset":
            return await creator_of_asset(connection, identifier) == caller.sub
        case "creator", "license":
            asset_id = await _fact_of_license(connection, identifier, "ip_asset_id")
            return (
                asset_id is not None and await creator_of_asset(connection, asset_id) == caller.sub
            )
        case "brand", "brand":
            return identifier == caller.brand_id
        case "brand", "asset":
            return await _has_license(connection, str(caller.brand_id), identifier)
        case "brand", "project":
            query = ownership.BRAND_OF_PROJECT.format(project_id="%(project_id)s")
            brands = await ownership.column(connection, query, project_id=identifier)
            return brands == [caller.brand_id]
        case "brand", "license":
            brand_id = await _fact_of_license(connection, identifier, "brand_id")
            return brand_id is not None and brand_id == caller.brand_id
        case _:  # a creator and a project or a brand
            return False


async def creator_of_asset(connection: AsyncConnection, asset_id: str) -> str | None:
    """Who uploaded the asset; None if no upload says so."""
    query = ownership.CREATOR_OF_ASSET.format(asset_id="%(asset_id)s")
    creators = await ownership.column(connection, query, asset_id=asset_id)
    return creators[0] if creators else None


async def assets_of_creator(connection: AsyncConnection, creator_id: str) -> list[str]:
    """The assets that the creator uploaded, in order."""
    return await _owned(connection, ownership.ASSETS_OF_CREATOR, creator_id=creator_id)


async def projects_of_brand(connection: AsyncConnection, brand_id: str) -> list[str]:
    """The brand's projects, in order."""
    return await _owned(connection, ownership.PROJECTS_OF_BRAND, brand_id=brand_id)


async def licenses_of_brand(connection: AsyncConnection, brand_id: str) -> list[str]:
    """The brand's licenses, whether they hold or not, in order."""
    return await _owned(connection, ownership.LICENSES_OF_BRAND, brand_id=brand_id)


async def licensed_assets(connection: AsyncConnection, brand_id: str) -> list[str]:
    """The assets that the brand has a license on today, in order."""
    if not _storable(brand_id):
        return []
    return await ownership.column(
        connection, ownership.LICENSED_ASSETS, brand_id=brand_id, today=utc_today()
    )


async def visible(connection: AsyncConnection, caller: Caller) -> Visible:
    """What `caller` sees: a creator rows of their assets, a brand rows of its projects and of the
    assets that it has a license on today, an admin everything."""
    match caller.role:
        case "admin":
            return Visible(everything=True, assets=[], projects=[])
        case "creator":
            assets = await assets_of_creator(connection, caller.sub)
            return Visible(everything=False, assets=assets, projects=[])
        case "brand":
            brand_id = str(caller.brand_id)
            assets = await licensed_assets(connection, brand_id)
            projects = await projects_of_brand(connection, brand_id)
            return Visible(everything=False, assets=assets, projects=projects)


async def _owned(connection: AsyncConnection, query: str, **owner: str) -> list[str]:
    if not all(_storable(identifier) for identifier in owner.values()):
        return []
    return await ownership.column(connection, query, **owner)


async def _has_license(connection: AsyncConnection, brand_id: str, asset_id: str) -> bool:
    if not _storable(brand_id):
        return False
    found = await ownership.column(
        connection,
        ownership.LICENSE_OF_ASSET,
        brand_id=brand_id,
        asset_id=asset_id,
        today=utc_today(),
    )
    return bool(found)


async def _fact_of_license(
    connection: AsyncConnection, license_id: str, column: Literal["ip_asset_id", "brand_id"]
) -> str | None:
    query = ownership.FACT_OF_LICENSE.format(column=column, license_id="%(license_id)s")
    found = await ownership.column(connection, query, license_id=license_id)
    return found[0] if found else None


def _storable(identifier: str) -> bool:
    """Whether PostgreSQL can hold it and ingest lets it in; if not, no event can name it."""
    if len(identifier) > MAX_ID_LENGTH or "\x00" in identifier:
        return False
    try:
        identifier.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True
