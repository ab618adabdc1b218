"""Every mart has the same rows on DuckDB as on PostgreSQL, whatever the events."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from eventmill.core.days import DayWindow
from eventmill.core.settings import PROJECT_ROOT
from eventmill.warehouse.pseudonyms import Pseudonyms
from tests.dbt_project.parity.conftest import WITHOUT_TESTS, Engines, Row, export, laptop
from tests.dbt_project.parity.events import FIRST

MODELS = PROJECT_ROOT / "dbt_project" / "models"
# When a row was built, and a hash of the SQL that built it, which is another SQL on each engine.
NOT_COMPARED = {
    "created_at",
    "updated_at",
    "built_at",
    "definition",
    "own_definition",
    "sql_expression",
}
# Numbers are given in no order: who has which is compared instead.
NUMBERED = {"visitors", "traffic_daily", "visitor_sets", "int_entity_days"}
# Tables for the dashboards API alone.
ON_POSTGRESQL_ONLY = {
    "int_traffic_days", "int_project_days", "int_platform_days", "int_platform_visitors",
}  # fmt: skip


def models(folder: str) -> list[str]:
    return sorted(file.stem for file in (MODELS / folder).rglob("*.sql"))


def test_every_mart_is_built(engines: Engines) -> None:
    built = {row[0] for row in engines.in_duckdb(
        "select table_name from information_schema.tables where table_schema = 'marts'"
    )}  # fmt: skip
    assert built == set(models("marts"))


@pytest.mark.parametrize("name", models("marts"))
def test_a_mart_has_the_same_rows(engines: Engines, name: str) -> None:
    assert_equal(engines, f"marts.{name}", name)


@pytest.mark.parametrize("name", sorted({*models("intermediate")} - ON_POSTGRESQL_ONLY))
def test_what_marts_are_made_of_has_the_same_rows(engines: Engines, name: str) -> None:
    assert_equal(engines, f"intermediate.{name}", name)


def test_the_events_are_hard(engines: Engines) -> None:
    """Nothing is compared that is not there."""
    for name in models("marts"):
        assert engines.in_postgres(f"select count(*) from marts.{name}")[0][0] > 0, name
    for condition in (
        "channel = 'unassigned'", "currency <> 'USD' and conversions > 0",
        "revenue_cents > 1000000000", "not is_referrer_enriched", "is_bot", "session_id = 'ä'",
    ):  # fmt: skip
        found = f"select count(*) from intermediate.int_events where {condition}"
        assert engines.in_postgres(found)[0][0] > 0, condition
    # Sessions over midnight, credits of several touches, and licenses with gaps.
    for found in (
        "select 1 from marts.sessions where events_next_day > 0",
        "select 1 from marts.conversion_credits where model = 'time_decay' and touch_number > 2",
        *(
            f"select 1 from marts.conversion_credits where reached_by = '{how}'"
            for how in ("same", "verified", "claimed")
        ),
        # Of an anonymous id's sessions of before the claim.
        "select 1 from marts.conversion_touches inner join marts.sessions using (session_id)"
        " where sessions.visitor_id <> conversion_touches.visitor_id",
        "select 1 from marts.dim_license_history where valid_from is null and valid_to is not null",
        "select 1 from marts.campaign_daily where other_cost <> '{}' and visits > 0",
    ):
        assert engines.in_postgres(found), found


def test_the_published_sql_of_metrics_is_duckdbs(engines: Engines) -> None:
    """What metric_definitions says can be run over int_events, and gives daily_metrics' numbers."""
    for metric, expression in engines.in_duckdb(
        "select metric, sql_expression from marts.metric_definitions"
    ):
        days = engines.in_duckdb(
            f"select occurred_at::date as date, {expression} from intermediate.int_events"
            " group by date order by date"
        )
        assert days == engines.in_duckdb(
            f"select date, {metric} from marts.daily_metrics where project_id is null"
            " and ip_asset_id is null and license_id is null order by date"
        ), metric


def test_no_server_was_needed(engines: Engines) -> None:
    assert not (engines.home / "postgres").exists()


def test_pseudonyms_are_counted_like_people(engines: Engines, tmp_path: Path) -> None:
    """The warehouse's ids are hashes by default; who is whom stays as it is."""
    home, files = tmp_path / "home", tmp_path / "warehouse"
    day = DayWindow(FIRST, FIRST)
    export(engines, day, files, Pseudonyms(b"a key"))
    laptop(engines, "build", "--select", "+int_events", *WITHOUT_TESTS, home=home, files=files)
    count = "select count(distinct visitor_id) from intermediate.int_events"
    hashed = Engines(engines.postgres, home)
    [(visitors,)] = engines.in_postgres(f"{count} where occurred_at < '{FIRST}'::date + 1")
    assert hashed.in_duckdb(count) == [(visitors,)]
    named = "select count(*) from intermediate.int_events where visitor_id like '%-%'"
    assert hashed.in_duckdb(named) == [(0,)]


def assert_equal(engines: Engines, relation: str, name: str) -> None:
    columns = engines.columns(relation)
    assert columns
    compared = [column for column in columns if column not in NOT_COMPARED]
    query = f"select {', '.join(compared)} from {relation}"
    rows = []
    for ask in (engines.in_postgres, engines.in_duckdb):
        visitors = _visitors(ask) if name in NUMBERED else {}
        rows.append(
            Counter(
                tuple(_plain(value, column, columns[column], visitors)
                      for column, value in zip(compared, row, strict=True))
                for row in ask(query)
            )
        )  # fmt: skip
    on_postgres, on_duckdb = rows
    only_there, only_here = on_postgres - on_duckdb, on_duckdb - on_postgres
    assert not only_there | only_here, (
        f"{relation}: {only_there.total()} rows of PostgreSQL's are missing, first"
        f" {_first(only_there)}; {only_here.total()} are new, first {_first(only_here)}"
    )


def _visitors(ask: Callable[[str], list[Row]]) -> dict[int, str]:
    return dict(ask("select visitor_number, visitor_id from marts.visitors"))


def _plain(value: Any, column: str, kind: str, visitors: dict[int, str]) -> Any:
    """A value as both clients can have it, and hashable."""
    if value is None:
        return None
    if kind == "jsonb":
        return json.dumps(json.loads(value) if isinstance(value, str) else value, sort_keys=True)
    if kind == "bytea":
        packed = bytes(value)
        assert len(packed) % 4 == 0
        numbers = [int.from_bytes(packed[at : at + 4]) for at in range(0, len(packed), 4)]
        return tuple(sorted(visitors[number] for number in numbers))
    if column == "visitor_number":
        return visitors[value]
    return str(value) if isinstance(value, UUID) else value


def _first(rows: Counter[Row]) -> Row | None:
    return min(rows, key=repr, default=None)
