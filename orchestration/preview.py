"""What a changed model would do to production: built aside, and compared row by row.

The model and all that it reads are built for the latest built days in schemas of the preview's own
(`preview_<user>_*`, made anew each time). Production is only read.
"""

import getpass
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from eventmill.core.database import dbt_environment
from eventmill.core.days import ONE_DAY, DayWindow
from eventmill.core.errors import ConfigurationError, EventmillError
from eventmill.core.relations import has_builds
from eventmill.core.settings import child_environment, get_settings
from orchestration.comparison import Comparison, columns_of, compare
from orchestration.project import manifest, prepare_manifest

TARGET: Final = "preview"
BUILT_DAYS: LiteralString = """
select date from marts.daily_builds order by date desc limit %s
"""


class PreviewFailed(EventmillError):
    """dbt could not build the changed model; the message is dbt's."""


@dataclass(frozen=True, slots=True)
class Preview:
    """Production (old) against the changed model (new), which stays in `relation`."""

    model: str
    days: DayWindow
    relation: str
    key: list[str]
    comparison: Comparison


def preview(connection: psycopg.Connection, model: str, days: int, limit: int) -> Preview:
    """Build `model` aside for the latest `days` built days, and compare; `limit` moved rows.

    Raises ConfigurationError if the model cannot be compared, PreviewFailed if it cannot be built.
    """
    node = model_named(model)
    key, time = key_of(node), node["config"]["event_time"]
    old = sql.Identifier(node["schema"], node["alias"])
    known = columns_of(connection, old)
    if missing := [name for name in key if name not in known]:
        raise ConfigurationError(
            f"{model} has no column {missing[0]!r} in production: build it there first"
        )
    window = latest_built_days(connection, days)
    _drop_schemas(connection)
    _build(model, window)
    new = sql.Identifier(f"{_prefix()}_{node['schema']}", node["alias"])
    found = compare(
        connection, old, new, key=key, time=time, window=window, limit=limit,
        totals=node["config"]["meta"].get("totals", "true"),
    )  # fmt: skip
    return Preview(model, window, f"{_prefix()}_{node['schema']}.{node['alias']}", key, found)


def model_named(name: str) -> Mapping[str, Any]:
    """The model's node of the manifest. Raises ConfigurationError that lists the models."""
    prepare_manifest()
    nodes = manifest()["nodes"].values()
    models: dict[str, dict[str, Any]] = {
        node["name"]: node for node in nodes if node["resource_type"] == "model"
    }
    if name not in models:
        raise ConfigurationError(f"no model is called {name!r}: {', '.join(sorted(models))}")
    return models[name]


def key_of(node: Mapping[str, Any]) -> list[str]:
    """The columns that name a row of a model: those of its primary key or unique constraint.

    Raises ConfigurationError for a model without one, or without days.
    """
    if not node["config"].get("event_time"):
        raise ConfigurationError(f"{node['name']} has no days to compare (no event_time)")
    for kind in ("primary_key", "unique"):
        for constraint in node.get("constraints", []):
            if constraint["type"] == kind:
                return list(constraint["columns"])
    raise ConfigurationError(
        f"{node['name']} does not say which columns name a row: give it a constraint primary_key"
        " or unique in its .yml"
    )


def latest_built_days(connection: psycopg.Connection, days: int) -> DayWindow:
    """The last `days` built days, without a gap. Raises ConfigurationError if there is none."""
    found: list[date] = []
    if has_builds(connection):
        found = [day for (day,) in connection.execute(BUILT_DAYS, (days,))]
    if not found:
        raise ConfigurationError("no day is built yet: `eventmill backfill START END`")
    first = last = found[0]
    while first - ONE_DAY in found:
        first -= ONE_DAY
    return DayWindow(first, last)


def _schema() -> str:
    try:
        return f"preview_{getpass.getuser()}"
    except (KeyError, OSError):  # a user without a name, as in some containers
        return "preview_analyst"


def _prefix() -> str:
    """What macros/generate_schema_name.sql makes of the schema."""
    return re.sub("[^a-z0-9_]", "_", _schema().lower())[:40]


def _drop_schemas(connection: psycopg.Connection) -> None:
    """Days of an earlier preview must not stand beside those of this one."""
    names = connection.execute(
        "select nspname from pg_namespace where starts_with(nspname, %s)", (f"{_prefix()}_",)
    ).fetchall()
    for (name,) in names:
        connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(name)))


def _build(model: str, window: DayWindow) -> None:
    command = [
        str(Path(sys.executable).with_name("dbt")), "--quiet", "--no-use-colors", "build",
        "--select", f"+{model}", "--exclude-resource-type", "test", "unit_test",
        "--event-time-start", window.first.isoformat(),
        "--event-time-end", window.end.date().isoformat(),
        "--target", TARGET, "--target-path", str(get_settings().dbt_target_dir / TARGET),
    ]  # fmt: skip
    environment = child_environment(**dbt_environment(), EVENTMILL_PREVIEW_SCHEMA=_schema())
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise PreviewFailed(f"dbt cannot build {model}:\n{(result.stdout + result.stderr).strip()}")
