"""SQL of the enrichment: which distinct values of a window have no current row yet."""

from typing import LiteralString

import psycopg

from eventmill.days import DayWindow
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
