"""Links between anonymous ids and users that came after the days of their events were built.

They are looked at once a night: many people log in every hour, and each login changes days of
weeks ago. A link that a browser claims changes nothing of before it was received.
"""

from datetime import date, datetime, timedelta
from typing import LiteralString

import psycopg

from eventmill.core.database import one_moment
from eventmill.core.days import day_start, utc_today
from eventmill.core.rebuilds import ASK, SESSIONS_CHANGED, for_one_reason
from eventmill.core.relations import has_builds, is_there
from eventmill.core.settings import get_settings

NEW_LINKS: LiteralString = """
create temporary table new_links on commit drop as
select
    anonymous_id,
    user_id,
    verified,
    received_at,
    changed_xid
from raw.identities
where not pg_visible_in_snapshot(
    changed_xid,
    coalesce(
        (select snapshot from enrichment.identity_passes order by passed_at desc limit 1),
        '1:1:'::pg_snapshot
    )
)
"""

# Built days with events that change hands. A build that saw the link needs no other.
DAYS_OF_LINKS: LiteralString = """
create temporary table linked_days on commit drop as
with linked as (
    select distinct
        (events.occurred_at at time zone 'UTC')::date as day,
        new_links.*
    from raw.events
    inner join new_links on events.anonymous_id = new_links.anonymous_id
    where
        events.occurred_at >= %(since)s
        and events.actor_id is null
        and (new_links.verified or events.received_at >= new_links.received_at)
)

select
    linked.day,
    linked.anonymous_id,
    linked.user_id
from linked
inner join marts.daily_builds as built on linked.day = built.date
left join enrichment.builds as builds on built.build_id = builds.build_id
where builds.snapshot is null or not pg_visible_in_snapshot(linked.changed_xid, builds.snapshot)
"""

# The visitor is the user from now on, so their sessions around those days may join with new ones.
SESSIONS: LiteralString = """
select distinct built.date
from linked_days as linked
inner join marts.sessions as sessions
    on sessions.visitor_id in (
        rules.anonymous_visitor(linked.anonymous_id), rules.actor_visitor(linked.user_id)
    )
inner join marts.daily_builds as built
    on built.date = (sessions.started_at at time zone 'UTC')::date
where built.date between linked.day + %(first)s and linked.day + %(last)s
"""

PASSED: LiteralString = """
insert into enrichment.identity_passes (snapshot, links, days)
values (pg_current_snapshot(), %s, %s)
"""

REASON = "visitors were linked to users"


def note_links(connection: psycopg.Connection) -> tuple[int, list[date]]:
    """Note the built days that new links change; how many links there were, and the days.

    Only days of the last EVENTMILL_IDENTITY_WINDOW_DAYS.
    """
    since = day_start(utc_today() - timedelta(days=get_settings().identity_window_days))
    with one_moment(connection):
        links = connection.execute(NEW_LINKS).rowcount
        days = _days(connection, since) if links and has_builds(connection) else []
        connection.execute(ASK, for_one_reason(days, REASON))
        connection.execute(PASSED, (links, len(days)))
    return links, days


def _days(connection: psycopg.Connection, since: datetime) -> list[date]:
    """The days of events that changed hands, and those near them with sessions of either id."""
    connection.execute("analyze new_links")
    connection.execute(DAYS_OF_LINKS, {"since": since})
    days = {day for (day,) in connection.execute("select distinct day from linked_days")}
    if days and is_there(connection, "marts.sessions"):
        first, last = SESSIONS_CHANGED
        near = connection.execute(SESSIONS, {"first": first, "last": last})
        days |= {day for (day,) in near}
    return sorted(days)
