"""Why two builds of a day differ: definition, late events, deletions, bots, identity links."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from orchestration.explained import queries
from orchestration.explained.question import Question, Row

SHOWN = 20


def causes(asked: Question, former: Row, later: Row) -> Iterator[dict[str, Any]]:
    """What differs between two builds of a day, by their receipts. Each has `cause` and details."""
    if former["definition"] != later["definition"]:
        yield {"cause": "definition", "old": former["definition"], "new": later["definition"]}
    span = {"since": former["watermark"] or former["built_at"], "until": later["built_at"]}
    late = asked.rows(queries.LATE, **span)
    if late:
        yield {
            "cause": "late events",
            "events": len(late),
            "first_received": late[0]["received_at"],
            "last_received": late[-1]["received_at"],
            "event_ids": [str(row["event_id"]) for row in late[:SHOWN]],
        }
    [of_day] = replace(asked, ids={}).rows(queries.LATE_OF_DAY, **span)
    gone = former["events"] + of_day["events"] - later["events"]
    if gone > 0:
        yield {"cause": "events deleted", "events": gone}
    if former["parser_version"] != later["parser_version"]:
        yield {
            "cause": "bots",
            "old": former["parser_version"],
            "new": later["parser_version"],
            "bot_events": [former["bot_events"], later["bot_events"]],
        }
    if former["snapshot"] and later["snapshot"]:
        links = asked.rows(queries.LINKS, former=former["snapshot"], later=later["snapshot"])
        if links:
            yield {"cause": "identity links", "links": len(links), "first": links[:SHOWN]}
