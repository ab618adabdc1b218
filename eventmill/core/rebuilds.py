"""Requests that a built day be built again, and the days that a session depends on.

Dagster's sensor `rebuild_days` builds what stands in `enrichment.days_to_rebuild`.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import LiteralString

# A session's row reads its visitor's events from two days before the day on which it began to one
# day after (dbt's model `sessions`).
SESSION_READS = (-2, 1)
# So an event changes sessions that began from one day before it to two days after.
SESSIONS_CHANGED = (-SESSION_READS[1], -SESSION_READS[0])

# Each day once, in order, so that two writers do not wait for each other in a circle. A build meets
# a request only if its snapshot saw it, so asking again is a new request.
ASK: LiteralString = """
insert into enrichment.days_to_rebuild as known (day, asked_at, reason)
select day, clock_timestamp(), reason
from unnest(%(days)s::date [], %(reasons)s::text []) as asked (day, reason)
order by day
on conflict (day) do update set
    asked_at = excluded.asked_at,
    asked_xid = excluded.asked_xid,
    reason = case
        when strpos(known.reason, excluded.reason) > 0 or length(known.reason) > 300
            then known.reason
        else known.reason || '; ' || excluded.reason
    end
"""


def requests(reasons: Mapping[date, str]) -> dict[str, list[date] | list[str]]:
    """The parameters of ASK: each day, and why it has to be built again."""
    return {"days": list(reasons), "reasons": list(reasons.values())}


def for_one_reason(days: Iterable[date], reason: str) -> dict[str, list[date] | list[str]]:
    """The parameters of ASK for days that share a reason."""
    return requests(dict.fromkeys(days, reason))
