"""Records a build in the database: which snapshot it reads, and how it ended.

Everything runs on one connection, which holds the lock of all builds.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from eventmill.core.database import one_moment
from eventmill.core.days import DayWindow
from eventmill.core.enrichment.user_agents import PARSER_VERSION
from eventmill.core.errors import EventmillError
from eventmill.core.rebuilds import ASK, requests
from orchestration.building import queries
from orchestration.project import fingerprint
from orchestration.rebuilding.neighbours import neighbours
from orchestration.rebuilding.reasons import reasons_of

LONGEST_ERROR = 2_000


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be built: a chunk of a run, all models or (`is_whole` false) some."""

    run_id: str
    root_run_id: str
    window: DayWindow
    chunk: int = 1
    chunks: int = 1
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Build:
    """A build that has begun: why, what it will have met, and which days follow from it."""

    build_id: UUID
    order: Order
    reasons: Mapping[date, str]
    touched: Collection[tuple[date, int, str]]
    asked: Collection[tuple[date, str]]
    follow: Mapping[date, str]


def refuse_dropped_days(connection: psycopg.Connection, window: DayWindow) -> None:
    """Raise EventmillError if a day of `window` was dropped: a build would empty its marts."""
    row = connection.execute(
        "select max(day), count(*) from raw.dropped_days where day between %s and %s",
        (window.first, window.last),
    ).fetchone()
    if row is not None and row[1]:
        raise EventmillError(
            f"{row[1]} of the days {window.first} to {window.last}, the last of them {row[0]}, were"
            " dropped after the retention period; their marts are kept and cannot be built again"
        )


def begin(connection: psycopg.Connection, order: Order) -> Build:
    """Note a build before it reads anything. Needs the lock of all builds."""
    connection.execute(queries.KILLED)
    (watermark,) = connection.execute(queries.WATERMARK).fetchone() or (None,)
    days = {"first": order.window.first, "last": order.window.last}
    with one_moment(connection):
        touched = connection.execute(queries.TOUCHED, days).fetchall()
        asked = connection.execute(queries.ASKED, days).fetchall()
        reasons = reasons_of(connection, list(order.window))
        row = connection.execute(
            queries.BEGIN,
            {
                "run_id": order.run_id,
                "root_run_id": order.root_run_id,
                "first_day": order.window.first,
                "last_day": order.window.last,
                "chunk": order.chunk,
                "chunks": order.chunks,
                "is_whole": order.is_whole,
                "project_hash": fingerprint(),
                "parser_version": PARSER_VERSION,
                "watermark": watermark,
                "reasons": Jsonb({str(day): reason for day, reason in reasons.items()}),
            },
        ).fetchone()
        follow = neighbours(connection, order.window) if order.is_whole else {}
    assert row is not None
    return Build(row[0], order, reasons, touched, asked, follow)


def finish(connection: psycopg.Connection, build: Build) -> None:
    """The build succeeded, its tests included: its days count as built from now on."""
    window = build.order.window
    days = {"first": window.first, "last": window.last}
    with connection.transaction():
        connection.execute(queries.FINISH, (build.build_id,))
        if not build.order.is_whole:
            connection.execute(queries.MODELS_ARE_BUILT, (build.build_id,))
            return
        connection.execute(queries.DAYS_ARE_BUILT, days)
        connection.execute(
            queries.FORGET_TOUCHED,
            dict(zip(("days", "writers", "xids"), _columns(build.touched, 3), strict=True)),
        )
        connection.execute(ASK, requests(build.follow))
        connection.execute(
            queries.FORGET_ASKED,
            dict(zip(("days", "xids"), _columns(build.asked, 2), strict=True)),
        )


def fail(connection: psycopg.Connection, build: Build, error: str) -> None:
    """The build did not succeed: days that it has begun to replace are not built."""
    if connection.closed or connection.broken:
        return  # the next build notices
    connection.execute(queries.FAIL, {"build_id": build.build_id, "error": error[:LONGEST_ERROR]})


def finished_chunks(connection: psycopg.Connection, run_ids: Collection[str]) -> set[DayWindow]:
    """The days that these runs have built with the project as it is now."""
    rows = connection.execute(
        queries.FINISHED,
        {
            "run_ids": list(run_ids),
            "project_hash": fingerprint(),
            "parser_version": PARSER_VERSION,
        },
    )
    return {DayWindow(first, last) for first, last in rows.fetchall()}


def _columns(rows: Collection[tuple[object, ...]], width: int) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
