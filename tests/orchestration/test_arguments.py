"""dbt's command line, without dbt."""

from datetime import date
from pathlib import Path

from eventmill.core.days import DayWindow
from orchestration.building.arguments import build_arguments, invocation_arguments, selector


def _value(arguments: list[str], option: str) -> str:
    return arguments[arguments.index(option) + 1]


def test_event_times_are_half_open() -> None:
    arguments = build_arguments(DayWindow(date(2024, 2, 28), date(2024, 2, 29)))
    assert arguments[0] == "build"
    assert _value(arguments, "--event-time-start") == "2024-02-28"
    assert _value(arguments, "--event-time-end") == "2024-03-01"


def test_everything_is_built_unless_assets_were_chosen() -> None:
    assert "--select" not in build_arguments(DayWindow(date(2024, 1, 1), date(2024, 1, 1)))


def test_a_choice_selects_its_nodes_and_only_tests_that_need_no_other() -> None:
    window = DayWindow(date(2024, 1, 1), date(2024, 1, 1))
    arguments = build_arguments(window, ["fqn:b", "fqn:a"])
    assert arguments[-3:] == ["--select", "fqn:a", "fqn:b"]
    assert _value(arguments, "--indirect-selection") == "cautious"


def test_unit_tests_do_not_run_at_night() -> None:
    arguments = build_arguments(DayWindow(date(2024, 1, 1), date(2024, 1, 1)))
    assert _value(arguments, "--exclude-resource-type") == "unit_test"


def test_every_invocation_is_on_production_with_artifacts_of_its_own() -> None:
    arguments = invocation_arguments(["build"], Path("/project"), Path("/target"))
    assert _value(arguments, "--target") == "prod"
    assert _value(arguments, "--target-path") == "/target"
    assert arguments.index("--log-path") < arguments.index("build") < arguments.index("--target")


def test_a_node_is_selected_by_its_full_name() -> None:
    assert selector({"fqn": ["eventmill", "marts", "attribution"]}) == (
        "fqn:eventmill.marts.attribution"
    )
