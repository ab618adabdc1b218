"""One transaction that stores a batch, each event id once.

An id is claimed in `raw.event_ids` first; only what was new is copied into `raw.events`. COPY as
text, with ids and times as array literals, was the cheapest of seven ways that were measured
(docs/decisions/0003-group-commit.md).
"""

from collections.abc import Sequence
from typing import Final, LiteralString

import psycopg

from eventmill.envelope import EventRow
from ingest_api.batch import Batch
from ingest_api.identities import store_links

# Sorted, so that two writers with common ids wait for each other in one order and never deadlock.
CLAIM: LiteralString = """
insert into raw.event_ids (event_id, occurred_at)
select event_id, occurred_at
from unnest(%s::uuid[], %s::timestamptz[]) as claimed (event_id, occurred_at)
order by event_id
on conflict do nothing
returning event_id::text
"""
COPY: LiteralString = """
copy raw.events (
    event_id, occurred_at, received_at, sent_at, source, event_type, actor_type, actor_id,
    anonymous_id, visitor_id, session_id, project_id, ip_asset_id, license_id, user_id, brand_id,
    creator_id, props_json, page_url, landing_page, referrer, user_agent, utm_source, utm_medium,
    utm_campaign, utm_term, utm_content, click_id, country
) from stdin (format text, null '')
"""
ESCAPES: Final = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
SEPARATORS: Final = len(EventRow._fields) - 1


# The same refused event twice, by a retry or because a batch came by the spool too, is kept once.
REJECT: LiteralString = """
insert into raw.rejected_events (
    event_id, received_at, key_id, sender, route, event, context, errors
)
select
    event_id::uuid, received_at::timestamptz, nullif(key_id, ''), sender::jsonb, route, event,
    context::jsonb, errors::jsonb
from unnest(
    %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[]
) as refused (event_id, received_at, key_id, sender, route, event, context, errors)
order by event_id
on conflict do nothing
"""


async def store(connection: psycopg.AsyncConnection, batch: Batch) -> list[bool]:
    """Commit `batch` and say of each event row whether it was new. All or nothing.

    Of rows with the same id the first is stored. `connection` is in autocommit mode and the days'
    partitions exist. Raises what psycopg raises, and ValueError for text that has no encoding.
    """
    async with connection.transaction(), connection.cursor() as cursor:
        new = await _store_events(cursor, batch.rows) if batch.rows else set()
        if batch.rejected:
            await cursor.execute(
                REJECT, [list(column) for column in zip(*batch.rejected, strict=True)]
            )
        if batch.links:
            await store_links(connection, batch.links)
    is_new = []
    for row in batch.rows:
        is_new.append(row.event_id in new)
        new.discard(row.event_id)
    return is_new


async def _store_events(cursor: psycopg.AsyncCursor, rows: Sequence[EventRow]) -> set[str]:
    """The ids that were new."""
    first: dict[str, EventRow] = {}
    for row in rows:
        first.setdefault(row.event_id, row)
    ids, times = ",".join(first), ",".join([row.occurred_at for row in first.values()])
    await cursor.execute(CLAIM, (f"{{{ids}}}", f"{{{times}}}"))
    new = {event_id for (event_id,) in await cursor.fetchall()}
    if new:
        lines = "".join([copy_line(row) for event_id, row in first.items() if event_id in new])
        async with cursor.copy(COPY) as copy:
            await copy.write(lines.encode())
    return new


def copy_line(row: EventRow) -> str:
    """A row in COPY's text format, its newline included."""
    line = "\t".join(row)
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") != SEPARATORS:
        line = "\t".join([value.translate(ESCAPES) for value in row])
    return line + "\n"
