"""Whose numbers an answer is about, and over which days, as conditions in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

from psycopg import sql

from dashboards_api.database import fill
from eventmill.core.days import DayWindow


@dataclass(frozen=True, slots=True)
class Scope:
    """The entities whose numbers are meant; no two of them may share an event.

    `live` is a condition on events (`intermediate.int_events`, `int_traffic`), `built` the same on
    `intermediate.int_entity_days`.
    """

    live: LiteralString
    built: LiteralString = "false"
    parameters: dict[str, Any] = field(default_factory=dict)

    def compose(self, query: LiteralString, **parts: sql.Composable) -> sql.Composed:
        conditions = {"built": sql.SQL(self.built), "live": sql.SQL(self.live)}
        return sql.SQL(query).format(**conditions, **parts)

    def over(self, days: DayWindow) -> dict[str, Any]:
        """The query parameters of this scope and a window."""
        return {**self.parameters, "start": days.start, "end": days.end}


def in_windows(windows: Sequence[DayWindow]) -> tuple[sql.Composable, dict[str, Any]]:
    """A condition on `occurred_at` and its parameters. Each window's bounds are constants of the
    plan: only its partitions are read."""
    conditions: list[sql.Composed] = []
    parameters: dict[str, Any] = {}
    for number, window in enumerate(windows):
        start, end = f"start_{number}", f"end_{number}"
        bounds = (sql.Placeholder(start), sql.Placeholder(end))
        conditions.append(fill("(occurred_at >= {} and occurred_at < {})", *bounds))
        parameters |= {start: window.start, end: window.end}
    return sql.SQL(" or ").join(conditions) if windows else sql.SQL("false"), parameters


def built_part(window: DayWindow, live: Sequence[DayWindow]) -> dict[str, Any]:
    """The parameters of a query of `window` without its `live` parts."""
    unbuilt = [day for part in live for day in part]
    return {"first": window.first, "last": window.last, "unbuilt": unbuilt}


PLATFORM = Scope(
    live="true", built="ip_asset_id is null and project_id is null and license_id is null"
)


def assets_scope(asset_ids: Sequence[str]) -> Scope:
    """All of these assets together, such as a creator's: who saw several of them is one visitor."""
    return Scope(
        live="ip_asset_id = any(%(asset_ids)s)",
        built="ip_asset_id = any(%(asset_ids)s) and project_id is null and license_id is null",
        parameters={"asset_ids": list(asset_ids)},
    )


def projects_scope(project_ids: Sequence[str]) -> Scope:
    """All of these projects together, such as a brand's."""
    return Scope(
        live="project_id = any(%(project_ids)s)",
        built="project_id = any(%(project_ids)s) and ip_asset_id is null and license_id is null",
        parameters={"project_ids": list(project_ids)},
    )


def own_scope(asset_id: str, projects: Sequence[str], licenses: Sequence[str]) -> Scope:
    """What is done with an asset in these projects, and with these licenses."""
    ids = {"asset_id": asset_id, "project_ids": list(projects), "license_ids": list(licenses)}
    return Scope(
        live="ip_asset_id = %(asset_id)s and (project_id = any(%(project_ids)s)"
        " or license_id = any(%(license_ids)s))",
        parameters=ids,
    )


def licenses_alone_scope(own: Scope) -> Scope:
    """Of `own_scope`, what is in none of the projects."""
    return Scope(
        live="ip_asset_id = %(asset_id)s and license_id = any(%(license_ids)s)"
        " and (project_id = any(%(project_ids)s)) is not true",
        parameters=own.parameters,
    )
