"""SQL over raw.events."""

from datetime import date
from typing import LiteralString

import psycopg

from eventmill.core.days import DayWindow

EVENTS_BY_DAY: LiteralString = """
select
    (occurred_at at time zone 'UTC')::date as day,
    count(*) as events
from raw.events
where occurred_at >= %(start)s and occurred_at < %(end)s
group by 1
"""


def events_by_day(connection: psycopg.Connection, window: DayWindow) -> dict[date, int]:
    """Events of each day of `window`; 0 for a day without any."""
    rows = connection.execute(EVENTS_BY_DAY, {"start": window.start, "end": window.end})
    counted: dict[date, int] = dict(rows.fetchall())
    return {day: counted.get(day, 0) for day in window}
