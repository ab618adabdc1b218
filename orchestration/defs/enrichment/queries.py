"""SQL of the enrichment: which distinct values of a window have no current row yet."""

from datetime import date
from typing import LiteralString

import psycopg

from eventmill.core.days import DayWindow
from eventmill.core.rebuilds import ASK, for_one_reason
from eventmill.core.relations import has_builds
from orchestration.project import referrer_domain_sql

# Distinct first: the look-up then runs once per value and not once per event.
NEW_USER_AGENTS: LiteralString = """
select seen.user_agent
from (
    select distinct user_agent
    from raw.events
    where occurred_at >= %(start)s and occurred_at < %(end)s and user_agent is not null
) as seen
where not exists (
    select from enrichment.user_agents as known
    where known.user_agent = seen.user_agent and known.parser_version = %(parser_version)s
)
"""

OUTDATED_USER_AGENTS: LiteralString = """
select user_agent, is_bot from enrichment.user_agents where parser_version <> %(parser_version)s
"""

# Reads all of raw.events once, and only after the list of bots changed what some agent is. Days
# that are not built are counted live, so they are right already.
BUILT_DAYS_OF: LiteralString = """
select built.date
from marts.daily_builds as built
where built.date in (
    select (occurred_at at time zone 'UTC')::date
    from raw.events
    where user_agent = any(%(user_agents)s)
)
order by built.date
"""

NEW_REFERRERS: LiteralString = """
select seen.referrer_domain
from (
    select distinct {referrer_domain} as referrer_domain
    from raw.events
    where occurred_at >= %(start)s and occurred_at < %(end)s and referrer is not null
) as seen
where seen.referrer_domain is not null and not exists (
    select from enrichment.referrers as known
    where known.referrer_domain = seen.referrer_domain and known.list_version = %(list_version)s
)
"""


def new_user_agents(
    connection: psycopg.Connection, window: DayWindow, parser_version: str
) -> list[str]:
    """Distinct user agents of `window` that the rules `parser_version` have not classified."""
    return _values(connection, NEW_USER_AGENTS, window, parser_version=parser_version)


def outdated_user_agents(connection: psycopg.Connection, parser_version: str) -> dict[str, bool]:
    """Every known user agent that other rules classified, and whether they took it for a bot."""
    rows = connection.execute(OUTDATED_USER_AGENTS, {"parser_version": parser_version})
    return dict(rows.fetchall())


def ask_for_days(connection: psycopg.Connection, user_agents: list[str], reason: str) -> list[date]:
    """Note the built days that hold events of `user_agents` as to be built again; these days."""
    if not user_agents or not has_builds(connection):
        return []
    rows = connection.execute(BUILT_DAYS_OF, {"user_agents": user_agents})
    days = [day for (day,) in rows.fetchall()]
    connection.execute(ASK, for_one_reason(days, reason))
    return days


def new_referrers(
    connection: psycopg.Connection, window: DayWindow, list_version: str
) -> list[str]:
    """Distinct referring domains of `window` that the lists `list_version` have not classified."""
    domain = referrer_domain_sql().replace("%", "%%")
    query = NEW_REFERRERS.replace("{referrer_domain}", domain)
    return _values(connection, query, window, list_version=list_version)


def _values(
    connection: psycopg.Connection, query: LiteralString, window: DayWindow, **version: str
) -> list[str]:
    rows = connection.execute(query, {"start": window.start, "end": window.end, **version})
    return [value for (value,) in rows]
