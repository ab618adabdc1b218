"""The one statement that stores event rows, each id once.

An id is claimed in `raw.event_ids` first; only what was new goes into `raw.events`. It is one
round trip and its own transaction. Seven ways were measured (docs/decisions/0003-group-commit.md).
"""

from collections.abc import Sequence
from typing import Any, LiteralString

import orjson
import psycopg

from eventmill.envelope import EventRow

# Ids are claimed in order, so that two processes with common ids wait for each other and never
# deadlock. The answer is what was not new: usually nothing.
STORE: LiteralString = """
with batch as materialized (
    select * from json_to_recordset(%s::json) as batch (
        event_id uuid, occurred_at timestamptz, received_at timestamptz, sent_at timestamptz,
        source text, event_type text, actor_type text, actor_id text, anonymous_id text,
        visitor_id text, session_id text, project_id text, ip_asset_id text, license_id text,
        user_id text, brand_id text, creator_id text, props_json jsonb, page_url text,
        landing_page text, referrer text, user_agent text, utm_source text, utm_medium text,
        utm_campaign text, utm_term text, utm_content text, click_id text
    )
),

claimed as (
    insert into raw.event_ids (event_id, occurred_at)
    select event_id, occurred_at from batch order by event_id
    on conflict do nothing
    returning event_id
),

stored as (
    insert into raw.events (
        event_id, occurred_at, received_at, sent_at,
        source, event_type, actor_type, actor_id, anonymous_id,
        visitor_id, session_id, project_id, ip_asset_id, license_id,
        user_id, brand_id, creator_id, props_json, page_url,
        landing_page, referrer, user_agent, utm_source, utm_medium,
        utm_campaign, utm_term, utm_content, click_id
    )
    select batch.* from batch inner join claimed on batch.event_id = claimed.event_id
)

select batch.event_id::text
from batch left join claimed on batch.event_id = claimed.event_id
where claimed.event_id is null
"""
# The planner knows nothing of the rows in a parameter and guesses that there are a few; with the
# nested loops that this suggests, 2,000 rows would be four million comparisons.
SETTINGS: LiteralString = "set enable_nestloop = off"


async def store(connection: psycopg.AsyncConnection, rows: Sequence[EventRow]) -> list[bool]:
    """Commit `rows` and say of each whether it was new. All or nothing.

    Of rows with the same id the first is stored. `connection` is in autocommit mode, with
    SETTINGS, and the days' partitions exist. Raises what psycopg raises, and
    orjson.JSONEncodeError for text that has no encoding.
    """
    first: dict[str, EventRow] = {}
    for row in rows:
        first.setdefault(row.event_id, row)
    document = orjson.dumps([_as_object(row) for row in first.values()]).decode()
    cursor = await connection.execute(STORE, (document,))
    old = {event_id for (event_id,) in await cursor.fetchall()}
    if not old and len(first) == len(rows):
        return [True] * len(rows)
    is_new = []
    for row in rows:
        is_new.append(row.event_id not in old)
        old.add(row.event_id)
    return is_new


def _as_object(row: EventRow) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: value for name, value in zip(EventRow._fields, row, strict=True) if value
    }
    found["props_json"] = orjson.Fragment(row.props_json)
    return found
