"""Why two builds of a day differ: definition, late events, deletions, bots, identity links."""

from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from orchestration.explained.entity import Entity
from orchestration.explained.queries import Row, rows, window_of

SHOWN = 20

LATE = """
select
    event_id,
    event_type,
    received_at
from raw.events
where {events} and created_at >= {since} and created_at <= {until}
order by received_at, event_id
"""

# Of the whole day: what is gone does not say any more whose it was.
LATE_OF_DAY = """
select count(*) as events
from raw.events
where {events} and created_at >= {since} and created_at <= {until}
"""

LINKS = """
select
    identities.anonymous_id,
    identities.user_id
from raw.identities as identities
where
    pg_visible_in_snapshot(identities.changed_xid, {later}::pg_snapshot)
    and not pg_visible_in_snapshot(identities.changed_xid, {former}::pg_snapshot)
    and exists (
        select from raw.events as events
        where
            events.anonymous_id = identities.anonymous_id
            and events.actor_id is null
            and {events}
    )
order by identities.anonymous_id
"""


def causes(
    connection: psycopg.Connection, day: date, entity: Entity, former: Row, later: Row
) -> list[dict[str, Any]]:
    """What differs between two builds of a day, by their receipts. Each has `cause` and details."""
    found: list[dict[str, Any]] = []
    if former["definition"] != later["definition"]:
        found.append(
            {"cause": "definition", "old": former["definition"], "new": later["definition"]}
        )
    since = former["watermark"] or former["built_at"]
    span = {"since": sql.Literal(since), "until": sql.Literal(later["built_at"])}
    late = rows(connection, sql.SQL(LATE).format(events=window_of(day, entity), **span))
    if late:
        found.append(
            {
                "cause": "late events",
                "events": len(late),
                "first_received": late[0]["received_at"],
                "last_received": late[-1]["received_at"],
                "event_ids": [str(row["event_id"]) for row in late[:SHOWN]],
            }
        )
    [of_day] = rows(
        connection, sql.SQL(LATE_OF_DAY).format(events=window_of(day, Entity()), **span)
    )
    gone = former["events"] + of_day["events"] - later["events"]
    if gone > 0:
        found.append({"cause": "events deleted", "events": gone})
    if former["parser_version"] != later["parser_version"]:
        found.append(
            {
                "cause": "bots",
                "old": former["parser_version"],
                "new": later["parser_version"],
                "bot_events": [former["bot_events"], later["bot_events"]],
            }
        )
    if former["snapshot"] and later["snapshot"]:
        links = rows(
            connection,
            sql.SQL(LINKS).format(
                events=window_of(day, entity),
                former=sql.Literal(former["snapshot"]),
                later=sql.Literal(later["snapshot"]),
            ),
        )
        if links:
            found.append({"cause": "identity links", "links": len(links), "first": links[:SHOWN]})
    return found
