"""A database with the dbt project in it: events go in, dbt runs in this process, rows come out."""

import json
import os
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from dbt_common.behavior_flags import BehaviorFlagRendered

from eventmill.core.database import connect, dbt_environment
from eventmill.core.days import DayWindow, day_start
from tests.support import environment

# dbt looks through the whole stack for who declared a flag, twice a command: in a worker of the
# suite, some of whose frames have no module, a tenth of a small build.
BehaviorFlagRendered._default_source = staticmethod(  # type: ignore[method-assign]
    lambda: "dbt.adapters"
)

# dbt's log of everything and its JSON files take half of the time of a small build.
LEAN = ("--quiet", "--log-level-file", "none", "--no-write-json")
MARTS = ("attribution", "daily_metrics", "build_receipts")
# What daily_metrics is made of.
SETS = ("visitors", "int_entity_days")


@dataclass(frozen=True)
class Event:
    """A row of raw.events; what a test does not say is null."""

    day: date
    event_type: str = "page_viewed"
    visitor_id: str = "visitor"
    # Microseconds after midnight UTC.
    at: int = 0
    event_id: UUID = field(default_factory=uuid4)
    anonymous_id: str | None = None
    actor_id: str | None = None
    user_id: str | None = None
    # Of the sender, as raw.events has it.
    trust: int = 3
    # Microseconds after the event; None: now, as the last of all.
    delay: int | None = None
    # How it must come to its visitor; not sent.
    reached_by: str = "same"
    session_id: str | None = None
    project_id: str | None = None
    ip_asset_id: str | None = None
    license_id: str | None = None
    # JSON as text: some numbers of JSON have no Python value.
    props: str = "{}"
    user_agent: str | None = None
    referrer: str | None = None
    page_url: str | None = None
    landing_page: str | None = None
    click_id: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None

    @property
    def moment(self) -> datetime:
        return day_start(self.day) + timedelta(microseconds=self.at)

    @property
    def received_at(self) -> datetime | None:
        if self.delay is None:
            return None
        return self.moment + timedelta(microseconds=self.delay)

    @classmethod
    def with_props(cls, day: date, event_type: str, **props: Any) -> "Event":
        return cls(day, event_type, props=json.dumps(props))

    def on(self, day: date) -> "Event":
        """The same happening, as an event of its own on another day."""
        return replace(self, day=day, event_id=uuid4())


NO_COLUMNS = ("day", "at", "props", "delay", "reached_by")
COLUMNS = [name for name in Event.__dataclass_fields__ if name not in NO_COLUMNS]
COPY = f"copy raw.events ({', '.join(COLUMNS)}, occurred_at, received_at, props_json) from stdin"


class Warehouse:
    """Invokes dbt with one parsed manifest for each target."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self._manifests: dict[str, Manifest] = {}

    def connect(self) -> psycopg.Connection:
        return connect(self.url, autocommit=True)

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with closing(self.connect()) as connection:
            return connection.execute(query.encode(), parameters or None).fetchall()

    def insert(self, events: Iterable[Event]) -> None:
        events = list(events)
        with closing(self.connect()) as connection, connection.transaction():
            for day in sorted({event.day for event in events}):
                connection.execute("select raw.ensure_partition(%s)", (day,))
            with connection.cursor().copy(COPY) as copy:
                for event in events:
                    values = [getattr(event, name) for name in COLUMNS]
                    times = event.moment, event.received_at or datetime.now(UTC)
                    copy.write_row([*values, *times, event.props])
            connection.execute(
                "insert into raw.event_ids select event_id, occurred_at from raw.events"
                " on conflict do nothing"
            )

    def execute(self, statement: str, *parameters: Any) -> int:
        """Run a statement; returns the number of rows it touched."""
        with closing(self.connect()) as connection:
            return connection.execute(statement.encode(), parameters or None).rowcount

    def dbt(self, *arguments: str, target: str = "prod", **variables: str) -> dbtRunnerResult:
        """Run dbt and return its result, also when it failed."""
        with environment(EVENTMILL_DATABASE_URL=self.url, **variables):
            before = dict(os.environ)
            os.environ.update(dbt_environment())
            os.environ["DBT_TARGET_PATH"] = str(self.folder / target)
            os.environ["DBT_LOG_PATH"] = str(self.folder / "logs")
            try:
                runner = dbtRunner(manifest=self._manifests.get(target))
                return runner.invoke([*LEAN, *arguments, "--target", target])
            finally:
                os.environ.clear()
                os.environ.update(before)

    def manifest(self, target: str = "prod", **variables: str) -> Manifest:
        """The parsed project; the first call for a target takes 3 s."""
        if target not in self._manifests:
            result = self.dbt("parse", target=target, **variables)
            assert isinstance(result.result, Manifest), result.exception
            self._manifests[target] = result.result
        return self._manifests[target]

    def build(self, first: date, last: date, *arguments: str, target: str = "prod") -> None:
        """`dbt build` of the days; fails the test with dbt's messages if anything failed."""
        self.manifest(target)
        result = self.dbt("build", *_window(first, last), *arguments, target=target)
        assert result.success, messages(result)

    def run(self, first: date, last: date, *models: str) -> None:
        """`dbt run` of some models' days; fails the test with dbt's messages if anything failed."""
        self.manifest()
        result = self.dbt("run", *_window(first, last), "--select", *models)
        assert result.success, messages(result)

    def run_marts(self, first: date, last: date | None = None) -> None:
        """Only the marts of the days: the views and the seed stand."""
        self.run(first, last or first, *SETS, *MARTS)

    def compiled(self, model: str) -> str:
        """The SQL of an incremental model, as its last run (or last batch) executed it."""
        files = (self.folder / "prod" / "compiled").rglob(f"{model}*.sql")
        return max(files, key=lambda file: file.stat().st_mtime).read_text()

    def table(self, name: str, where: str = "true") -> list[tuple[Any, ...]]:
        """All rows of a mart as text, with the transaction that wrote each, in a fixed order."""
        return self.rows(f"select xmin::text, t::text from marts.{name} t where {where} order by 2")


def _window(first: date, last: date) -> list[str]:
    end = DayWindow(first, last).end.date()
    return ["--event-time-start", first.isoformat(), "--event-time-end", end.isoformat()]


def messages(result: dbtRunnerResult) -> str:
    """What went wrong, one node a line."""
    nodes = getattr(result.result, "results", [])
    failed = [f"{n.node.name}: {n.status}: {n.message}" for n in nodes if n.status not in PASSED]
    return "\n".join([*failed, str(result.exception or "")])


PASSED = {"success", "pass", "skipped"}
