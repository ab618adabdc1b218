"""`eventmill backfill` and `eventmill dbt`, run as a user runs them."""

import json
from datetime import date, timedelta

import psycopg
import pytest

from eventmill.core.database import connect
from eventmill.core.days import utc_today
from eventmill.core.errors import ConfigurationError
from orchestration.cli import closed_days
from tests.orchestration.support import add_days, platform_views
from tests.support import run_eventmill


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("2024-03-02", "2024-03-01", "ends (2024-03-01) before it starts (2024-03-02)"),
        ("2014-12-31", "2015-01-01", "2014-12-31 is before the first day, 2015-01-01"),
        ("2024-02-30", "2024-03-01", "'2024-02-30' is not a date"),
        ("2024-03-01", "tomorrow", "'tomorrow' is not a date"),
    ],
)
def test_impossible_days_are_refused(home: object, start: str, end: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        closed_days(start, end)
    assert message in str(caught.value)


def test_today_is_not_over(home: object) -> None:
    today = utc_today().isoformat()
    with pytest.raises(ConfigurationError, match="is not over in UTC"):
        closed_days(today, today)
    yesterday = (utc_today() - timedelta(days=1)).isoformat()
    assert len(closed_days(yesterday, yesterday)) == 1


@pytest.mark.usefixtures("processes")
def test_a_mistake_is_one_line_and_no_success(home: object) -> None:
    result = run_eventmill("backfill", "2024-03-02", "2024-03-01")
    assert result.returncode != 0
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_backfill_builds_an_empty_system(database: str) -> None:
    with connect(database, autocommit=True) as connection:
        add_days(connection, date(2024, 3, 1), 2)
        result = run_eventmill("backfill", "2024-03-01", "2024-03-02", "--json", timeout=180)
        assert result.returncode == 0, result.stderr
        report = json.loads(result.stdout)
        assert (report["first_day"], report["last_day"]) == ("2024-03-01", "2024-03-02")
        assert report["days"] == 2
        assert list(platform_views(connection).values()) == [3, 4]
    assert "dbt_models done" in result.stderr


def test_a_failed_run_is_one_line_that_names_the_log(connection: psycopg.Connection) -> None:
    connection.execute("alter table enrichment.user_agents rename to lost")
    result = run_eventmill("backfill", "2024-03-01", "2024-03-01", timeout=180)
    assert result.returncode != 0
    last = result.stderr.splitlines()[-1]
    assert 'user_agents: UndefinedTable: relation "enrichment.user_agents" does not exist' in last
    assert "its log: " in last


def test_dbt_gets_its_arguments_and_passes_its_status_on(database: str) -> None:
    result = run_eventmill("dbt", "--quiet", "list", "--resource-type", "seed", timeout=180)
    assert "eventmill.ga4_source_categories" in result.stdout.splitlines()
    assert run_eventmill("dbt", "no-such-command").returncode == 2
