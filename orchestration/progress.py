"""Progress of a run: in its log, in the list of runs, and on the terminal of a backfill."""

import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

import dagster as dg

from orchestration.tags import PROGRESS_TAG

_terminal: TextIO = sys.stderr


def show_on(stream: TextIO) -> None:
    """Print progress to `stream`: while a run logs, standard output and error go to its log."""
    global _terminal
    _terminal = stream


@dg.logger({}, description="Steps and what they report, a line each, on the terminal.")
def progress_logger(context: dg.InitLoggerContext) -> logging.Logger:
    """Messages of steps, and the start, end, failure and retry of each."""
    logger = logging.Logger("eventmill.progress", level=logging.DEBUG)
    logger.addHandler(_Lines())
    return logger


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        line = _line(record)
        if line is not None:
            now = datetime.now(UTC).strftime("%H:%M:%S")
            print(f"{now}  {line}", file=_terminal, flush=True)


def _line(record: logging.LogRecord) -> str | None:
    metadata = getattr(record, "dagster_meta", {})
    event, step = metadata.get("dagster_event"), metadata.get("step_key")
    if event is None:
        message = str(metadata.get("orig_message")).partition("\n")[0]
        return f"{step}: {message}" if step and record.levelno >= logging.INFO else None
    match event.event_type:
        case dg.DagsterEventType.STEP_START:
            return f"{step} started"
        case dg.DagsterEventType.STEP_SUCCESS:
            return f"{step} done in {event.step_success_data.duration_ms / 1000:.1f} s"
        case dg.DagsterEventType.STEP_UP_FOR_RETRY:
            return f"{step} failed and is tried again in {event.step_retry_data.seconds_to_wait} s"
        case dg.DagsterEventType.STEP_FAILURE:
            return f"{step} failed"
    return None


def how_far(done: int, of: int, built: int = 0, seconds: float = 0) -> str:
    """How far a run is, in words: `62 of 365 days, about 4 min left`.

    `built` days took this run `seconds`; the others of `done` were built before it.
    """
    left, said = of - done, f"{done} of {of} days"
    if not left or not built:
        return said
    seconds_left = seconds / built * left
    if seconds_left < 90:
        return f"{said}, about {max(1, round(seconds_left))} s left"
    minutes = round(seconds_left / 60)
    return f"{said}, about " + (
        f"{minutes} min left" if minutes < 100 else f"{minutes // 60} h left"
    )


def report(context: dg.AssetExecutionContext, said: str) -> None:
    """Say how far the run is: in its log, and in the list of runs."""
    context.log.info(said)
    context.instance.add_run_tags(context.run.run_id, {PROGRESS_TAG: said})
