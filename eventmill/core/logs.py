"""Logs as JSON, one object a line, without personal data.

A line never holds an address, a URL, a header, a key or a part of an event. For an unexpected error
it holds the type and the lines of code, and not the message, which may quote a value.
"""

import json
import logging
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType

from eventmill.core.credentials import without_credentials
from eventmill.core.settings import get_settings

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that is being answered; "" outside of one."""

FRAMES = 12


def configure() -> None:
    """Make what this process logs JSON on standard error, uvicorn's lines included.

    A program that has set logging up for itself keeps what it set up.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(handler)
    logging.getLogger("uvicorn").handlers = [handler]
    # uvicorn's access log and its level "trace" hold addresses, which are nowhere written down.
    for name in ("uvicorn.access", "uvicorn.asgi"):
        logging.getLogger(name).disabled = True
    connections = logging.getLogger("uvicorn.error")
    connections.setLevel(max(connections.getEffectiveLevel(), logging.DEBUG))
    logging.getLogger("eventmill").setLevel(get_settings().log_level.upper())


class JsonLines(logging.Formatter):
    """`time`, `level`, `logger`, `message`, the request's id, and the `fields` given as extra."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_credentials(record.getMessage()),
        }
        if current := request_id.get():
            line["request_id"] = current
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["at"] = _places(record.exc_info[2])
        return json.dumps(line, default=str)


def _places(trace: TracebackType | None) -> list[str]:
    """The innermost frames of a traceback as `file:line function`, without source or values."""
    frames = traceback.extract_tb(trace)[-FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
