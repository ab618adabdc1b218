"""What the service does beside answering."""

import asyncio

import psycopg
import pytest

from ingest_api.maintenance import Maintenance
from ingest_api.metrics import Metrics
from ingest_api.runtime import runtime
from tests.support import environment, rows

REFUSED = """
insert into raw.rejected_events (event_id, received_at, sender, route, event, context, errors)
select gen_random_uuid(), now() - make_interval(days => days), '{}', '', days::text, '{}', '[]'
from unnest(%s::int[]) as refused (days)
"""
KEPT = "select event::int from raw.rejected_events order by 1"


async def maintain(url: str) -> None:
    async with runtime(url, Metrics()) as running:
        await Maintenance(running.pool, running.partitions, running.salts).once()


@pytest.mark.parametrize(
    ("days", "rejected_days", "kept"),
    [("0", None, [1, 29]), ("30", "850", [1, 29]), ("0", "850", [1, 29, 31, 32, 400, 800])],
)
def test_refused_events_go_when_the_retention_is_over(
    database: str,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    days: str,
    rejected_days: str | None,
    kept: list[int],
) -> None:
    monkeypatch.setattr("ingest_api.maintenance.EXPIRED_AT_ONCE", 2)
    connection.execute(REFUSED, ([1, 29, 31, 32, 400, 800, 900],))
    own = {"EVENTMILL_REJECTED_RETENTION_DAYS": rejected_days}
    with environment(EVENTMILL_RETENTION_DAYS=days, **own):
        asyncio.run(maintain(database))
    assert [age for (age,) in rows(connection, KEPT)] == kept
