"""A page of an entity's events."""

from collections.abc import Iterator, Sequence
from datetime import date

from psycopg import AsyncConnection

from dashboards_api.authorization import Thing, licenses_of_brand, projects_of_brand, require
from dashboards_api.database import Pool, snapshot
from dashboards_api.entities.cursors import Cursor
from dashboards_api.entities.queries import (
    EntityType,
    Event,
    OwnThings,
    days_with_events,
    events_of_days,
    lifecycle_types,
)
from dashboards_api.entities.redaction import Known, redacted, referrer_domain
from dashboards_api.entities.schemas import EntityEvent, EntityEvents, EventsParameters
from dashboards_api.ranges import EARLIEST, LATEST
from eventmill.core.days import DayWindow, stretches
from eventmill.core.errors import FieldError, InvalidFields
from eventmill.core.tokens import Caller
from eventmill.privacy.audit import Action, record

THINGS: dict[EntityType, Thing] = {
    "project": "project",
    "ip_asset": "asset",
    "license": "license",
}
# A busy entity fills a page from its last day. Each step reads twice as many days, up to a number
# that is planned in a few milliseconds.
MOST_DAYS_AT_ONCE = 64


async def entity_events(
    pool: Pool,
    state_pool: Pool,
    caller: Caller,
    entity: EntityType,
    entity_id: str,
    asked: EventsParameters,
) -> EntityEvents:
    """The page that `asked` names. Raises NotFound unless `caller` may see the entity; what an
    admin reads is recorded before it is answered."""
    before = _cursor(asked)
    if asked.start and asked.end and asked.end < asked.start:
        message = f"{asked.end} is before start ({asked.start})"
        raise InvalidFields([FieldError("end", message)])
    await require(pool, caller, THINGS[entity], entity_id)
    async with snapshot(pool) as connection:
        own = None
        if caller.role == "brand":
            brand_id = str(caller.brand_id)
            own = OwnThings(
                brand_id,
                await projects_of_brand(connection, brand_id),
                await licenses_of_brand(connection, brand_id),
            )
        found = await _page(connection, entity, entity_id, asked, before, own)
        known = Known(await lifecycle_types(connection), own)
    page, after = found[: asked.limit], None
    if len(found) > asked.limit:
        after = Cursor(page[-1]["occurred_at"], page[-1]["event_id"]).encode()
    if caller.role == "admin":
        await _record(state_pool, caller, entity, entity_id, asked, page)
        events = [_everything(event) for event in page]
    else:
        events = [EntityEvent.model_validate(redacted(event, caller, known)) for event in page]
    return EntityEvents(entity_type=entity, entity_id=entity_id, events=events, next_cursor=after)


def _cursor(asked: EventsParameters) -> Cursor | None:
    try:
        return None if asked.cursor is None else Cursor.decode(asked.cursor)
    except ValueError as error:
        raise InvalidFields([FieldError("cursor", str(error))]) from None


async def _page(
    connection: AsyncConnection,
    entity: EntityType,
    entity_id: str,
    asked: EventsParameters,
    before: Cursor | None,
    own: OwnThings | None,
) -> list[Event]:
    """The page's events, and one more if there is a next page."""
    first, last = asked.start or EARLIEST, asked.end or LATEST
    if before is not None:
        last = min(last, before.occurred_at.date())
    if last < first:
        return []
    found: list[Event] = []
    days = await days_with_events(connection, entity, entity_id, first, last, asked.event_type)
    for windows in steps(days):
        found += await events_of_days(
            connection,
            entity,
            entity_id,
            windows,
            event_type=asked.event_type,
            before=before,
            own=own,
            limit=asked.limit + 1 - len(found),
        )
        if len(found) > asked.limit:
            break
    return found


def steps(days: Sequence[date]) -> Iterator[list[DayWindow]]:
    """Days, the newest first → groups of them to read together, each as few windows."""
    position, size = 0, 1
    while position < len(days):
        yield stretches(days[position : position + size])
        position, size = position + size, min(size * 2, MOST_DAYS_AT_ONCE)


def _everything(event: Event) -> EntityEvent:
    fields = {"props": event["props_json"], "referrer_domain": referrer_domain(event["referrer"])}
    return EntityEvent.model_validate(event | fields)


async def _record(
    state_pool: Pool,
    caller: Caller,
    entity: EntityType,
    entity_id: str,
    asked: EventsParameters,
    page: Sequence[Event],
) -> None:
    detail: dict[str, object] = {"entity_type": entity, "entity_id": entity_id}
    detail |= asked.model_dump(mode="json", exclude={"cursor"}, exclude_none=True)
    detail |= {"events": len(page)}
    if page:
        detail |= {f: page[i]["occurred_at"].isoformat() for f, i in (("from", -1), ("to", 0))}
    async with snapshot(state_pool) as connection:
        await record(connection, caller, Action.EVENTS_READ, detail)
