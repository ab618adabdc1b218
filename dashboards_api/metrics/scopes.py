"""Whose numbers an answer is about: a condition on rows of built days, and the same on events."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

from psycopg import sql

from eventmill.core.days import DayWindow


@dataclass(frozen=True, slots=True)
class Scope:
    """The entities whose numbers are meant; no two of them may share an event.

    `built` is a condition on `intermediate.int_entity_days`, `live` the same on
    `intermediate.int_events`, `channels` on `intermediate.int_traffic_days`, which has no projects.
    `is_one` says that `built` holds for at most one row a day, so that a
    day's visitors need no union.
    """

    built: LiteralString
    live: LiteralString
    parameters: dict[str, Any] = field(default_factory=dict)
    is_one: bool = True
    channels: LiteralString = "false"

    def compose(self, query: LiteralString, **parts: sql.Composable) -> sql.Composed:
        conditions = {"built": self.built, "live": self.live, "channels": self.channels}
        return sql.SQL(query).format(**{n: sql.SQL(c) for n, c in conditions.items()}, **parts)

    def over(self, days: DayWindow) -> dict[str, Any]:
        """The query parameters of this scope and a window."""
        return {**self.parameters, "start": days.start, "end": days.end}


def in_windows(windows: Sequence[DayWindow]) -> tuple[sql.Composed, dict[str, Any]]:
    """A condition on `occurred_at` and its parameters. Each window's bounds are constants of the
    plan: only its partitions are read."""
    conditions: list[sql.Composed] = []
    parameters: dict[str, Any] = {}
    for number, window in enumerate(windows):
        start, end = f"start_{number}", f"end_{number}"
        conditions.append(
            sql.SQL("(occurred_at >= {} and occurred_at < {})").format(
                sql.Placeholder(start), sql.Placeholder(end)
            )
        )
        parameters |= {start: window.start, end: window.end}
    return sql.SQL(" or ").join(conditions), parameters


def built_part(window: DayWindow, live: Sequence[DayWindow]) -> dict[str, Any]:
    """The parameters of a query of `window` without its `live` parts."""
    unbuilt = [day for part in live for day in part]
    return {"first": window.first, "last": window.last, "unbuilt": unbuilt}


PLATFORM = Scope(
    built="ip_asset_id is null and project_id is null and license_id is null",
    live="true",
    channels="grain = 'channel'",
)


def asset_scope(asset_id: str) -> Scope:
    return Scope(
        built="ip_asset_id = %(asset_id)s and project_id is null and license_id is null",
        live="ip_asset_id = %(asset_id)s",
        parameters={"asset_id": asset_id},
        channels="grain = 'asset_channel' and ip_asset_id = %(asset_id)s",
    )


def assets_scope(asset_ids: Sequence[str]) -> Scope:
    """All of these assets together, such as a creator's: who saw several of them is one visitor."""
    return Scope(
        built="ip_asset_id = any(%(asset_ids)s) and project_id is null and license_id is null",
        live="ip_asset_id = any(%(asset_ids)s)",
        parameters={"asset_ids": list(asset_ids)},
        is_one=False,
        channels="grain = 'asset_channel' and ip_asset_id = any(%(asset_ids)s)",
    )


def projects_scope(project_ids: Sequence[str]) -> Scope:
    """All of these projects together, such as a brand's."""
    return Scope(
        built="project_id = any(%(project_ids)s) and ip_asset_id is null and license_id is null",
        live="project_id = any(%(project_ids)s)",
        parameters={"project_ids": list(project_ids)},
        is_one=False,
    )
