"""Classifications in the database, as the enrichment assets store them."""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from eventmill.core.enrichment import referrers, user_agents


def store_user_agents(connection: psycopg.Connection, values: Iterable[str]) -> int:
    """Store what `values` are; the number of rows that were new, or known by other rules."""
    found = _columns(user_agents.classify_user_agents(values), user_agents.COLUMNS)
    found["parser_version"] = user_agents.PARSER_VERSION
    return connection.execute(user_agents.UPSERT, found).rowcount


def store_referrers(connection: psycopg.Connection, domains: Iterable[str]) -> int:
    """Store what `domains` are; the number of rows that were new, or known by other lists."""
    found = _columns(referrers.classify_referrers(domains), referrers.COLUMNS)
    found["list_version"] = referrers.LIST_VERSION
    return connection.execute(referrers.UPSERT, found).rowcount


def _columns(rows: Sequence[object], names: Iterable[str]) -> dict[str, Any]:
    return {name: [getattr(row, name) for row in rows] for name in names}
