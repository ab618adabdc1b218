"""The platform's currency: what revenue is counted in. Other money is kept apart from it."""

import re
from typing import LiteralString

import psycopg

from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import get_settings

SET: LiteralString = """
insert into enrichment.platform_currency (currency) values (%s)
on conflict (is_the_only_row) do update
set currency = excluded.currency, decided_at = now()
where platform_currency.currency <> excluded.currency
"""
# The first that was stored, and not the first that happened: what comes late must not change it.
FIRST: LiteralString = """
insert into enrichment.platform_currency (currency)
select upper(props_json ->> 'currency')
from raw.events
where
    event_type in ('license_created', 'license_renewed')
    and upper(props_json ->> 'currency') ~ '^[A-Z]{3}$'
    and not exists (select from enrichment.platform_currency)
order by created_at
limit 1
on conflict do nothing
"""


def settle_currency(connection: psycopg.Connection) -> None:
    """Make the platform's currency EVENTMILL_CURRENCY, else once that of the first money stored."""
    currency = get_settings().currency
    if currency is not None:
        store_currency(connection, currency)
    else:
        connection.execute(FIRST)


def store_currency(connection: psycopg.Connection, code: str) -> None:
    """Count revenue in `code` (ISO 4217) from now on. Raises ConfigurationError for others."""
    if not re.fullmatch("[A-Z]{3}", code):
        raise ConfigurationError(f"{code!r} is not a currency: use a code as EUR (ISO 4217)")
    connection.execute(SET, (code,))


def stored_currency(connection: psycopg.Connection) -> str | None:
    """The platform's currency, None if there is none yet."""
    row = connection.execute("select currency from enrichment.platform_currency").fetchone()
    return None if row is None else str(row[0])
