"""What runs for a home, as `eventmill up` writes it to `<home>/run/up.json`.

`eventmill status`, `eventmill down` and the processes that serve metrics read it.
"""

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from eventmill.core.settings import get_settings


class LastExit(BaseModel):
    """How a process ended: `status 1` or `signal SIGKILL`, and the last line that it wrote."""

    at: datetime
    how: str
    last_line: str


class ProcessState(BaseModel):
    """One process. `created` (seconds since 1970) tells a reused `pid` from it."""

    pid: int | None = None
    created: float | None = None
    restarts: int = 0
    last_exit: LastExit | None = None
    is_given_up: bool = False


class SystemState(BaseModel):
    """The supervisor, and by name what it keeps running."""

    supervisor: ProcessState
    processes: dict[str, ProcessState] = {}


def state_file() -> Path:
    return get_settings().home / "run" / "up.json"


def read_state() -> SystemState | None:
    """What `eventmill up` wrote last; None if it has ended, or never ran here."""
    try:
        return SystemState.model_validate_json(state_file().read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def write_state(state: SystemState) -> None:
    path = state_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".tmp").write_text(state.model_dump_json())
    path.with_suffix(".tmp").replace(path)
