"""The project built from the same events on PostgreSQL and, over Parquet files, on DuckDB."""

import os
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from psycopg import sql

from eventmill.core.days import DayWindow
from eventmill.runner.embedded import EmbeddedPostgres
from eventmill.warehouse import open_root, table_named
from eventmill.warehouse.exporting import export_day
from eventmill.warehouse.pseudonyms import Pseudonyms
from eventmill.warehouse.references import export_references
from tests.databases import clone
from tests.dbt_project.parity.events import BOT, BROWSER, COLUMNS, DAYS, FIRST, PHONE, random_events
from tests.dbt_project.warehouse import Warehouse
from tests.support import environment

SEED = 20
VISITORS = 300
# One event in so many arrives after its day was built.
LATE = 10
WITHOUT_TESTS = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
LATE_DAYS = (FIRST + timedelta(days=2), FIRST + timedelta(days=3))
# What is known of the world besides events.
WORLD = f"""
insert into enrichment.user_agents
    (user_agent, device_type, browser, browser_version, os, os_version, is_bot, parser_version)
values
    ('{BOT}', 'bot', 'x', null, null, null, true, '1'),
    ('{BROWSER}', 'desktop', 'Firefox', '125', 'Linux', null, false, '1'),
    ('{PHONE}', 'mobile', 'Chrome', '99', 'Android', '9', false, '1');
insert into enrichment.referrers (referrer_domain, source, category, list_version)
values
    ('google.de', 'google', 'search', '1'),
    ('chatgpt.com', 'chatgpt', 'ai', '1'),
    ('www.example.org', 'example', null, '1');
insert into enrichment.platform_currency (currency) values ('USD');
insert into raw.identities (anonymous_id, user_id, verified, first_seen_at)
select 'anon-' || i, 'user-' || i % 7, true, now() from generate_series(0, {VISITORS}, 3) as i;
insert into raw.identities (anonymous_id, user_id, verified, first_seen_at, received_at)
select 'anon-' || i, 'user-' || i % 7, false, now(), '{LATE_DAYS[0]}'
from generate_series(1, {VISITORS}, 3) as i;
insert into raw.ad_spend
    (date, project_id, source, medium, campaign, term, currency, cost_cents, impressions, clicks)
values
    ('{LATE_DAYS[0]}', 'p1', 'mail', 'email', 'may', null, 'USD', 1001, null, 3),
    ('{LATE_DAYS[0]}', null, 'elsewhere', null, null, ' Ä ', 'USD', 0, 9007199254740993, 1);
insert into raw.ad_spend
    (date, project_id, source, medium, campaign, currency, cost_cents, impressions, clicks)
select '{FIRST}'::date + i, project_id, 'google', 'cpc', 'spring', currency, cents + i, 10, i
from generate_series(0, {DAYS - 1}) as i
cross join (values (null, 'USD', 12345), ('p1', 'USD', 1), ('p1', 'EUR', 77))
as spent (project_id, currency, cents);
"""
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Engines:
    """Both databases, built."""

    postgres: Warehouse
    home: Path
    """A home of its own for the DuckDB side, as a laptop's: no database was ever in it."""

    @property
    def duckdb(self) -> Path:
        return self.home / "laptop.duckdb"

    @property
    def files(self) -> Path:
        """The exported Parquet files."""
        return self.home.parent / "warehouse"

    def in_postgres(self, query: str) -> list[Row]:
        return self.postgres.rows(query)

    def in_duckdb(self, query: str) -> list[Row]:
        with duckdb.connect(str(self.duckdb), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(query).fetchall()

    def columns(self, relation: str) -> dict[str, str]:
        """Column → type on PostgreSQL, in order."""
        schema, name = relation.split(".")
        found = self.in_postgres(
            "select column_name, data_type from information_schema.columns"
            f" where table_schema = '{schema}' and table_name = '{name}' order by ordinal_position"
        )
        return dict(found)


@pytest.fixture(scope="session")
def engines(server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Engines:
    """All days built without the late events and exported, then two days again with them."""
    folder = tmp_path_factory.mktemp("parity")
    both = Engines(Warehouse(clone(server, "parity"), folder), folder / "laptop")
    both.postgres.execute(WORLD)
    events = random_events(SEED, VISITORS)
    late = [
        row for number, row in enumerate(events)
        if number % LATE == 0 and row["occurred_at"].date() in LATE_DAYS
    ]  # fmt: skip
    _insert(both.postgres, [row for row in events if row not in late])
    _build(both, DayWindow(FIRST, FIRST + timedelta(days=DAYS - 1)), "test")
    _insert(both.postgres, late)
    _build(both, DayWindow(*LATE_DAYS), "unit_test")
    return both


def _insert(warehouse: Warehouse, rows: list[dict[str, Any]]) -> None:
    with closing(warehouse.connect()) as connection, connection.transaction():
        for day in sorted({row["occurred_at"].date() for row in rows}):
            connection.execute("select raw.ensure_partition(%s)", (day,))
        names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
        with connection.cursor().copy(
            sql.SQL("copy raw.events ({}) from stdin").format(names)
        ) as copy:
            for row in rows:
                copy.write_row([row.get(name) for name in COLUMNS])


def _build(both: Engines, window: DayWindow, without: str) -> None:
    """The days on PostgreSQL, exported, and then on DuckDB."""
    both.postgres.build(window.first, window.last, *WITHOUT_TESTS)
    export(both, window, both.files, None)
    days = ["--event-time-start", str(window.first), "--event-time-end", str(window.end.date())]
    laptop(both, "build", *days, "--exclude-resource-type", without)


def export(both: Engines, window: DayWindow, root: Path, pseudonyms: Pseudonyms | None) -> None:
    """The window's events, and what they refer to, as Dagster exports them."""
    opened = open_root(str(root))
    with (
        environment(EVENTMILL_DATABASE_URL=both.postgres.url),
        closing(both.postgres.connect()) as connection,
    ):
        for day in window:
            export_day(connection, opened, day, [table_named("events")], pseudonyms)
        export_references(connection, opened, pseudonyms)


def laptop(
    both: Engines, *arguments: str, home: Path | None = None, files: Path | None = None
) -> str:
    """What `eventmill dbt --target duckdb` prints where there is no server; fails if it fails."""
    settings = {
        "EVENTMILL_HOME": str(home or both.home),
        "EVENTMILL_WAREHOUSE_URL": str(files or both.files),
    }
    command = [str(Path(sys.executable).with_name("eventmill")), "dbt", "--target", "duckdb"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EVENTMILL_")}
    result = subprocess.run(
        [*command, *arguments],
        env={**kept, **settings},
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
