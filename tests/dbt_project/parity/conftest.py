"""The project built from the same events on PostgreSQL and, over Parquet files, on DuckDB."""

import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from psycopg import sql

from eventmill.embedded import EmbeddedPostgres
from eventmill.settings import child_environment
from orchestration.laptop import SOURCES, attach, environment
from tests.conftest import clone
from tests.dbt_project.parity.events import BOT, BROWSER, COLUMNS, DAYS, FIRST, PHONE, random_events
from tests.dbt_project.warehouse import Warehouse

SEED = 20
VISITORS = 300
# One event in so many arrives after its day was built.
LATE = 10
LATE_DAYS = (FIRST + timedelta(days=2), FIRST + timedelta(days=3))
POLARS = {
    "timestamptz": pl.Datetime("us", "UTC"), "date": pl.Date, "bigint": pl.Int64,
    "boolean": pl.Boolean, "varchar": pl.String, "uuid": pl.String, "json": pl.String,
}  # fmt: skip
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
    duckdb: Path

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
    """All days built without the late events, then two days again with them."""
    folder = tmp_path_factory.mktemp("parity")
    both = Engines(Warehouse(clone(server, "parity"), folder), folder / "laptop.duckdb")
    both.postgres.execute(WORLD)
    events = random_events(SEED, VISITORS)
    late = [
        row for number, row in enumerate(events)
        if number % LATE == 0 and row["occurred_at"].date() in LATE_DAYS
    ]  # fmt: skip
    _insert(both.postgres, [row for row in events if row not in late])
    _build(both, FIRST, FIRST + timedelta(days=DAYS - 1))
    _insert(both.postgres, late)
    _build(both, *LATE_DAYS)
    # What that build changed is noted in production alone, and exported.
    attach(both.duckdb, _export(both))
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


def _build(both: Engines, first: date, last: date) -> None:
    """The days on both engines at once, on DuckDB with the data tests."""
    end = last + timedelta(days=1)
    attach(both.duckdb, _export(both))
    window = ["--event-time-start", str(first), "--event-time-end", str(end)]
    without = ["--exclude-resource-type", "unit_test"]
    command = [str(Path(sys.executable).with_name("dbt")), "build", "--target", "duckdb"]
    laptop = subprocess.Popen(
        [*command, *window, *without],
        env=child_environment(**environment(both.duckdb)),
        stdout=subprocess.PIPE,
        text=True,
    )
    both.postgres.build(first, last, *without, "--exclude-resource-type", "test")
    output, _ = laptop.communicate(timeout=600)
    assert laptop.returncode == 0, output


def _export(both: Engines) -> dict[str, list[str]]:
    """The sources as Parquet files of the warehouse's shape."""
    files = {}
    for source in SOURCES:
        # UUIDs and JSON are text there.
        columns = ", ".join(
            f"{name}::text" if kind in ("uuid", "json") else name
            for name, kind in source.columns.items()
        )
        rows = both.in_postgres(f"select {columns} from {source.relation}")
        schema = {name: POLARS[kind] for name, kind in source.columns.items()}
        file = both.duckdb.parent / f"{source.relation}.parquet"
        pl.DataFrame(rows, schema=schema, orient="row").write_parquet(file, compression="zstd")
        files[source.relation] = [str(file)]
    return files
