"""The platform's currency: what the settings say, else what the first money was."""

import uuid
from datetime import UTC, datetime

import psycopg

from eventmill.core.currency import settle_currency
from tests.support import environment, scalar

CURRENCY = "select currency from enrichment.platform_currency"


def earn(connection: psycopg.Connection, day: int, props: str) -> None:
    """An event of the `day`th of May, stored now."""
    occurred_at = datetime(2026, 5, day, 12, tzinfo=UTC)
    connection.execute("select raw.ensure_partition(%s)", (occurred_at.date(),))
    connection.execute(
        "insert into raw.events (event_id, occurred_at, event_type, visitor_id, props_json)"
        " values (%s, %s, 'license_created', 'v', %s)",
        (uuid.uuid4(), occurred_at, props),
    )


def settled(connection: psycopg.Connection) -> object:
    settle_currency(connection)
    found = connection.execute(CURRENCY).fetchall()
    return found[0][0] if found else None


def test_it_is_that_of_the_first_money_that_was_stored(connection: psycopg.Connection) -> None:
    assert settled(connection) is None
    earn(connection, 3, '{"revenue_cents": 1}')
    earn(connection, 3, '{"revenue_cents": 1, "currency": "euros"}')
    assert settled(connection) is None
    earn(connection, 2, '{"revenue_cents": 1, "currency": "eur"}')
    earn(connection, 1, '{"revenue_cents": 1, "currency": "USD"}')
    assert settled(connection) == "EUR"
    connection.execute("delete from raw.events")
    earn(connection, 1, '{"revenue_cents": 1, "currency": "USD"}')
    assert settled(connection) == "EUR"


def test_the_setting_decides(connection: psycopg.Connection) -> None:
    earn(connection, 1, '{"revenue_cents": 1, "currency": "EUR"}')
    with environment(EVENTMILL_CURRENCY="CHF"):
        assert settled(connection) == "CHF"
        assert scalar(connection, "select count(*) from enrichment.platform_currency") == 1
    with environment(EVENTMILL_CURRENCY="JPY"):
        assert settled(connection) == "JPY"
    assert settled(connection) == "JPY"
