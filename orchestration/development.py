"""What `eventmill dbt` builds for an analyst who names no days: the last ones that have events."""

from collections.abc import Sequence
from datetime import date

import psycopg

from eventmill.days import ONE_DAY, DayWindow, utc_today

SAMPLE_DAYS = 3

# raw.ensure_partition names a partition by its day, and an empty one takes no space.
LAST_DAY = """
select max(to_date(substring(c.relname from '\\d{8}$'), 'YYYYMMDD'))
from pg_inherits as i
inner join pg_class as c on i.inhrelid = c.oid
where i.inhparent = 'raw.events'::regclass and pg_relation_size(c.oid) > 0
"""


def sample_environment(connection: psycopg.Connection, arguments: Sequence[str]) -> dict[str, str]:
    """dbt's variables that limit a development build to the last SAMPLE_DAYS days with events.

    Without any event they are the days up to today: by itself dbt would build every day since
    EVENTMILL_FIRST_DAY. Empty when the command names days itself, or the production target.
    Commands that build nothing do not read them.
    """
    words = {word for argument in arguments for word in argument.split("=", 1)}
    if words & {"prod", "--event-time-start", "--event-time-end", "--sample"}:
        return {}
    row = connection.execute(LAST_DAY).fetchone()
    last: date = (row[0] if row else None) or utc_today()
    window = DayWindow(last - (SAMPLE_DAYS - 1) * ONE_DAY, last)
    return {
        "DBT_EVENT_TIME_START": window.first.isoformat(),
        "DBT_EVENT_TIME_END": window.end.date().isoformat(),
    }
