"""Progress of a run on the terminal of `eventmill backfill`, a line for each thing."""

import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

import dagster as dg

_terminal: TextIO = sys.stderr


def show_on(stream: TextIO) -> None:
    """Print progress to `stream`: while a run logs, standard output and error go to its log."""
    global _terminal
    _terminal = stream


@dg.logger({}, description="Steps and what they report, a line each, on the terminal.")
def progress(context: dg.InitLoggerContext) -> logging.Logger:
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
