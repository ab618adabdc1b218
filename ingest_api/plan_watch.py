"""Takes up the tracking plan when its file changes, while the service runs.

A broken plan is not used: the old one stays in force, and the log, /readyz and a metric report it.
A new plan is also stored in `raw.tracking_plan`, because dbt's tests fail on event types that are
missing there.
"""

import asyncio
import logging
from pathlib import Path

import psycopg

from eventmill.core.database import connect, database_url
from eventmill.core.errors import ConfigurationError
from eventmill.core.plan_store import store_plan
from eventmill.core.tracking_plan import TrackingPlan, load_plan, plan_file, tracking_plan, use_plan
from ingest_api.metrics import Metrics

log = logging.getLogger("eventmill.ingest")

EVERY_SECONDS = 2.0

Stamp = tuple[int, int, int] | None
"""What tells that a file is another one or was written; None if there is none."""


class PlanWatch:
    """Of one process. Raises ConfigurationError if there is no sound plan to begin with."""

    def __init__(self, metrics: Metrics) -> None:
        self._file = plan_file()
        self._judged = self._seen = _stamp(self._file)
        _prepare(tracking_plan())
        self._unstored: TrackingPlan | None = None
        self._current = metrics.plan_current
        self._said = ""
        self.problem = ""
        """What is wrong with the file; "" if the plan in force is what it says."""

    def state(self) -> dict[str, str]:
        """The plan in force, for /readyz."""
        found = {"plan": tracking_plan().hash}
        return {**found, "plan_problem": self.problem} if self.problem else found

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Take the file's plan up if it changed, and has not since the last look.

        A file that is being written may read as a sound plan with half of its types.
        """
        stamp = await asyncio.to_thread(_stamp, self._file)
        if stamp != self._judged and stamp == self._seen:
            self._judged = stamp
            await self._take_up()
        self._seen = stamp
        if self._unstored is not None:
            await self._store(self._unstored)

    async def _take_up(self) -> None:
        try:
            plan = await asyncio.to_thread(_load, self._file)
        except Exception as error:  # noqa: BLE001  whatever is wrong with a file, events go on
            self._keep_out(error)
            return
        self.problem = ""
        self._current.set(1)
        if plan.hash != tracking_plan().hash:
            use_plan(plan)
            self._unstored = plan
            log.info("took up the tracking plan %s", plan.hash)

    def _keep_out(self, error: Exception) -> None:
        self.problem = str(error)
        self._current.set(0)
        unknown = None if isinstance(error, ConfigurationError) else error
        kept = tracking_plan().hash
        log.error("the old tracking plan %s stays in force: %s", kept, error, exc_info=unknown)

    async def _store(self, plan: TrackingPlan) -> None:
        """If the database is away, the next look tries again."""
        try:
            await asyncio.to_thread(_store, plan)
        except (psycopg.Error, ConfigurationError) as error:
            if str(error) != self._said:
                self._said = str(error)
                log.warning("cannot store the tracking plan %s yet: %s", plan.hash, self._said)
            return
        self._said = ""
        self._unstored = None


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _load(file: Path) -> TrackingPlan:
    return _prepare(load_plan(file))


def _prepare(plan: TrackingPlan) -> TrackingPlan:
    """With what is derived from it made now, where it holds no request up."""
    _ = plan.hash, plan.props_checker, plan.url_props, plan.shortened
    return plan


def _store(plan: TrackingPlan) -> None:
    with connect(database_url(), autocommit=True, application="eventmill-ingest") as connection:
        store_plan(connection, plan)
