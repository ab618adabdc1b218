"""SQL of the enrichment: which distinct values of a window have no current row yet."""

from datetime import date
from typing import LiteralString

import psycopg

from eventmill.core.days import DayWindow
from orchestration.project import referrer_domain_sql
from orchestration.relations import has_builds

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
ASK_FOR_DAYS: LiteralString = """
with affected as (
    select distinct (occurred_at at time zone 'UTC')::date as day
    from raw.events
    where user_agent = any(%(user_agents)s)
)

insert into enrichment.days_to_rebuild (day, asked_at, reason)
select affected.day, clock_timestamp(), %(reason)s
from affected
where exists (select from marts.daily_builds as built where built.date = affected.day)
on conflict (day) do update set
    asked_at = excluded.asked_at,
    asked_xid = excluded.asked_xid,
    reason = excluded.reason
returning day
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
    parameters = {"user_agents": user_agents, "reason": reason}
    return sorted(day for (day,) in connection.execute(ASK_FOR_DAYS, parameters).fetchall())


def new_referrers(
    connection: psycopg.Connection, window: DayWindow, list_version: str
) -> list[str]:
    """Distinct referring domains of `window` that the lists `list_version` have not classified."""
    return _values(connection, _new_referrers(), window, list_version=list_version)


def _new_referrers() -> LiteralString:
    expression = referrer_domain_sql().replace("%", "%%")
    return NEW_REFERRERS.replace("{referrer_domain}", expression)


def _values(
    connection: psycopg.Connection, query: LiteralString, window: DayWindow, **version: str
) -> list[str]:
    rows = connection.execute(query, {"start": window.start, "end": window.end, **version})
    return [value for (value,) in rows]
