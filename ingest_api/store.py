"""One transaction that stores event rows, each id once.

An id is claimed in `raw.event_ids` first; only what was new is copied into `raw.events`. COPY as
text, with ids and times as array literals, was the cheapest of seven ways that were measured
(docs/decisions/0003-group-commit.md).
"""

from collections.abc import Sequence
from typing import Final, LiteralString

import psycopg

from eventmill.envelope import EventRow

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
    utm_campaign, utm_term, utm_content, click_id
) from stdin (format text, null '')
"""
ESCAPES: Final = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
SEPARATORS: Final = len(EventRow._fields) - 1


async def store(connection: psycopg.AsyncConnection, rows: Sequence[EventRow]) -> list[bool]:
    """Commit `rows` and say of each whether it was new. All or nothing.

    Of rows with the same id the first is stored. `connection` is in autocommit mode and the days'
    partitions exist. Raises what psycopg raises, and ValueError for text that has no encoding.
    """
    first: dict[str, EventRow] = {}
    for row in rows:
        first.setdefault(row.event_id, row)
    async with connection.transaction(), connection.cursor() as cursor:
        ids, times = ",".join(first), ",".join([row.occurred_at for row in first.values()])
        await cursor.execute(CLAIM, (f"{{{ids}}}", f"{{{times}}}"))
        new = {event_id for (event_id,) in await cursor.fetchall()}
        if new:
            lines = "".join([copy_line(row) for event_id, row in first.items() if event_id in new])
            async with cursor.copy(COPY) as copy:
                await copy.write(lines.encode())
    is_new = []
    for row in rows:
        is_new.append(row.event_id in new)
        new.discard(row.event_id)
    return is_new


def copy_line(row: EventRow) -> str:
    """A row in COPY's text format, its newline included."""
    line = "\t".join(row)
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") != SEPARATORS:
        line = "\t".join([value.translate(ESCAPES) for value in row])
    return line + "\n"
