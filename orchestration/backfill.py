"""A range of days built by one Dagster run in this process, recorded like any other run."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from eventmill.core.days import DayWindow
from eventmill.core.settings import get_settings
from orchestration import progress
from orchestration.alerts import reason
from orchestration.definitions import defs
from orchestration.instance import open_instance
from orchestration.partitions import range_tags
from orchestration.project import prepare_manifest
from orchestration.tags import BUILD_JOB, HOST_TAG


@dataclass(frozen=True, slots=True)
class BackfillResult:
    """A finished run. `errors` is empty when it succeeded; `log` holds all that it said."""

    run_id: str
    window: DayWindow
    seconds: float
    errors: list[str]
    log: Path


def run_backfill(window: DayWindow) -> BackfillResult:
    """Build `window`, days that have a partition, as one run."""
    started = time.monotonic()
    prepare_manifest()
    log = get_settings().home / "logs" / f"backfill-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
    with _output_goes_to(log), open_instance() as instance:
        result = (
            defs()
            .resolve_job_def(BUILD_JOB)
            .execute_in_process(
                instance=instance,
                tags={**range_tags(window), HOST_TAG: socket.gethostname()},
                run_config={"loggers": {"console": {}, "progress": {}}},
                raise_on_error=False,
            )
        )
        errors = [
            f"{event.step_key}: {reason(event.step_failure_data)}"
            for event in result.all_events
            if event.is_step_failure
        ]
    if not result.success and not errors:
        errors = ["the run did not finish"]
    return BackfillResult(result.run_id, window, time.monotonic() - started, errors, log)


@contextmanager
def _output_goes_to(log: Path) -> Iterator[None]:
    """Keep what dbt and Dagster print in `log`; progress goes on to the terminal."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    before = [os.dup(descriptor) for descriptor in (1, 2)]
    with log.open("w") as handle, os.fdopen(os.dup(2), "w") as terminal:
        progress.show_on(terminal)
        for descriptor in (1, 2):
            os.dup2(handle.fileno(), descriptor)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, original in zip((1, 2), before, strict=True):
                os.dup2(original, descriptor)
                os.close(original)
            progress.show_on(sys.stderr)
