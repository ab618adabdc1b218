"""Who may see which asset: the only place that decides it.

Ownership is learnt from the stream, in `raw.events`:

- The creator of an asset is who uploaded it: the actor of the first `asset_uploaded` to arrive
  (`received_at`, which no client sets), so nobody takes over an asset by uploading it again. An
  upload by somebody else, such as the app's server, names the creator in `creator_id`.
- A brand may see an asset while it has a license for it: a `license_created` or `license_renewed`
  whose `props.starts_on` and `props.ends_on` (inclusive; absent is unlimited) hold today, and that
  no later `license_expired` of the same license ended.
- An admin sees every asset that any event names.

Everything else is NotFound, always in the same words, so an answer never tells whether an asset
exists that the caller may not see.
"""

from dataclasses import dataclass
from datetime import date, datetime

from psycopg import AsyncConnection

from dashboards_api.database import Pool, rows, snapshot, tuples
from eventmill.days import utc_today
from eventmill.errors import NotFound
from eventmill.tokens import Caller

MAX_ID_LENGTH = 200

# All three look through the whole retention, so planning them for each call would cost 50 to 90 ms
# with 731 partitions; prepared they take 8 (known) to 19 ms (unknown).
ASSET_IS_KNOWN = "select true from raw.events where ip_asset_id = %(asset_id)s limit 1"

CREATOR_OF_ASSET = """
with uploads as (
    select
        event_id,
        received_at,
        case when actor_type = 'creator' then actor_id else creator_id end as creator_id
    from raw.events
    where event_type = 'asset_uploaded' and ip_asset_id = %(asset_id)s
)

select creator_id
from uploads
where creator_id is not null
order by received_at, event_id
limit 1
"""

LICENSE_EVENTS = """
with named as (
    select event_id, event_type, license_id, occurred_at, props_json
    from raw.events
    where
        event_type in ('license_created', 'license_renewed', 'license_expired')
        and ip_asset_id = %(asset_id)s
        and brand_id = %(brand_id)s
),

of_the_same_license as (
    select event_id, event_type, license_id, occurred_at, props_json
    from raw.events
    where
        event_type in ('license_renewed', 'license_expired')
        and license_id in (select license_id from named where event_type = 'license_created')
),

events as (
    select * from named
    union
    select * from of_the_same_license
)

select
    event_type,
    license_id,
    occurred_at,
    props_json ->> 'starts_on' as starts_on,
    props_json ->> 'ends_on' as ends_on
from events
"""


@dataclass(frozen=True, slots=True)
class LicenseEvent:
    """A license's term begins (created, renewed) or ends (expired)."""

    event_type: str
    license_id: str | None
    occurred_at: datetime
    starts_on: str | None
    ends_on: str | None


def asset_not_found() -> NotFound:
    """The one answer for an asset that does not exist and for one that is not the caller's."""
    return NotFound("there is no such asset, or this token may not see it")


async def require_asset(pool: Pool, caller: Caller, asset_id: str) -> None:
    """Return if `caller` may see the asset's numbers. Raises NotFound."""
    # Raised outside of the transaction: a rollback would make psycopg forget prepared statements.
    async with snapshot(pool) as connection:
        allowed = await _may_see(connection, caller, asset_id)
    if not allowed:
        raise asset_not_found()


async def _may_see(connection: AsyncConnection, caller: Caller, asset_id: str) -> bool:
    if not _storable(asset_id):
        return False
    parameters = {"asset_id": asset_id}
    match caller.role:
        case "admin":
            return bool(await tuples(connection, ASSET_IS_KNOWN, parameters, prepare=True))
        case "creator":
            creator = await tuples(connection, CREATOR_OF_ASSET, parameters, prepare=True)
            return creator == [(caller.sub,)]
        case "brand":
            return await _has_license(connection, str(caller.brand_id), asset_id)


async def _has_license(connection: AsyncConnection, brand_id: str, asset_id: str) -> bool:
    if not _storable(brand_id):
        return False
    parameters = {"asset_id": asset_id, "brand_id": brand_id}
    events = await rows(connection, LicenseEvent, LICENSE_EVENTS, parameters, prepare=True)
    return license_is_active(events, utc_today())


def license_is_active(events: list[LicenseEvent], today: date) -> bool:
    """Whether any term in these events, all of one brand and asset, holds `today`."""
    terms = [event for event in events if event.event_type != "license_expired"]
    ends = [event for event in events if event.event_type == "license_expired"]
    return any(
        _holds(term, today) and not any(_ended_by(term, end) for end in ends) for term in terms
    )


def _holds(term: LicenseEvent, today: date) -> bool:
    first, last = _day(term.starts_on, date.min), _day(term.ends_on, date.max)
    return first is not None and last is not None and first <= today <= last


def _ended_by(term: LicenseEvent, end: LicenseEvent) -> bool:
    """An end without a license id ends every license of the brand and asset that it names."""
    same_license = end.license_id is None or end.license_id == term.license_id
    return same_license and end.occurred_at >= term.occurred_at


def _day(text: str | None, absent: date) -> date | None:
    """A date in props; None if it is none, which then grants nothing."""
    try:
        return absent if text is None else date.fromisoformat(text)
    except ValueError:
        return None


def _storable(identifier: str) -> bool:
    """Whether PostgreSQL can hold it and ingest lets it in; if not, no event can name it."""
    if len(identifier) > MAX_ID_LENGTH or "\x00" in identifier:
        return False
    try:
        identifier.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True
