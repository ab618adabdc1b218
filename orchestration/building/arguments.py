"""dbt's command line for a run. Pure functions, so that they are tested without dbt."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from eventmill.core.days import ONE_DAY, DayWindow
from orchestration.project import TARGET


def build_arguments(window: DayWindow, selected: Collection[str] | None = None) -> list[str]:
    """`dbt build` of the days of `window`, of everything or of the nodes `selected` (fqns).

    dbt's event times are half-open, as our windows are: the end is the day after the last. Unit
    tests prove definitions, not data, so they run where definitions change and not every night.
    """
    arguments = [
        "build",
        "--event-time-start", window.first.isoformat(),
        "--event-time-end", (window.last + ONE_DAY).isoformat(),
        "--exclude-resource-type", "unit_test",
    ]  # fmt: skip
    if selected is not None:
        # A test that also reads a model outside of the selection would judge what was not built.
        arguments += ["--indirect-selection", "cautious", "--select", *sorted(selected)]
    return arguments


def invocation_arguments(arguments: list[str], project: Path, target_path: Path) -> list[str]:
    """`arguments` with what every invocation by Dagster shares."""
    return [
        "--no-use-colors",
        "--no-send-anonymous-usage-stats",
        "--no-version-check",
        # The folder is removed after the run: its log of everything and its JSON files would be for
        # nobody, and take half of the time of a small build.
        "--log-level-file", "none",
        "--no-write-json",
        "--log-path", str(target_path),
        *arguments,
        "--target", TARGET,
        "--project-dir", str(project),
        "--profiles-dir", str(project),
        "--target-path", str(target_path),
    ]  # fmt: skip


def selector(node: Mapping[str, Any]) -> str:
    """The `--select` value that means exactly this node of the manifest."""
    return "fqn:" + ".".join(node["fqn"])
