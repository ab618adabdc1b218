"""Why days are exported by a sensor: what Dagster's own condition does not see (decision 0031)."""

from datetime import date, timedelta

import dagster as dg
import pytest

from eventmill.core.days import DayWindow

FIRST = date(2024, 1, 1)
DAYS = [day.isoformat() for day in DayWindow(FIRST, FIRST + timedelta(days=9))]
days = dg.DailyPartitionsDefinition(DAYS[0], end_date="2024-01-11")


@dg.asset(
    deps=["daily_builds"],
    partitions_def=days,
    # A late day is not in the latest window.
    automation_condition=dg.AutomationCondition.eager().without(
        dg.AutomationCondition.in_latest_time_window()
    ),
)
def export() -> None:
    """Never run here."""


DEFS = dg.Definitions(assets=[dg.AssetSpec("daily_builds", partitions_def=days), export])


class Automation:
    """Ticks of the condition, one after the other."""

    def __init__(self) -> None:
        self.instance = dg.DagsterInstance.ephemeral()
        self._cursor = None

    def materialized(self, asset: str, day: str) -> None:
        self.instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=day))

    def asks_for(self) -> int:
        """How many days a tick asks for."""
        result = dg.evaluate_automation_conditions(
            DEFS, instance=self.instance, cursor=self._cursor
        )
        self._cursor = result.cursor
        return int(result.total_requested)


@pytest.fixture
def automation() -> Automation:
    started = Automation()
    assert started.asks_for() == 0
    return started


def test_it_follows_a_build(automation: Automation) -> None:
    automation.materialized("daily_builds", DAYS[4])
    assert automation.asks_for() == 1
    automation.materialized("export", DAYS[4])
    assert automation.asks_for() == 0
    automation.materialized("daily_builds", DAYS[4])
    assert automation.asks_for() == 1


def test_an_export_that_failed_is_not_asked_for_again(automation: Automation) -> None:
    automation.materialized("daily_builds", DAYS[4])
    assert automation.asks_for() == 1
    assert [automation.asks_for() for _ in range(3)] == [0, 0, 0]


def test_days_that_were_built_before_it_looked_are_never_asked_for() -> None:
    """So it is for a new destination or key, and after Dagster's database was lost."""
    automation = Automation()
    automation.materialized("daily_builds", DAYS[1])
    assert [automation.asks_for() for _ in range(3)] == [0, 0, 0]
