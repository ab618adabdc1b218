"""Alerts: logged, and sent to the webhook; a file each in the home until it took them."""

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from eventmill.core.settings import get_settings

TIMEOUT_SECONDS = 10


def send(log: logging.Logger, name: str, alert: dict[str, Any]) -> None:
    """Log `alert`, and post it to the webhook if there is one. The same `name` replaces it."""
    log.error(alert["text"])
    if webhook := get_settings().alert_webhook:
        put(name, alert)
        try:
            deliver(webhook.get_secret_value())
        except httpx.HTTPError as error:
            log.warning(f"the webhook did not take it, tried again soon: {error!r}")


def put(name: str, alert: dict[str, Any]) -> None:
    """Keep `alert` until it is delivered. The same `name` again replaces it."""
    target = _folder() / f"{name}.json"
    mine = target.with_suffix(f".{os.getpid()}")
    mine.write_text(json.dumps(alert))
    mine.replace(target)


def pending() -> list[Path]:
    """Alerts that are not delivered yet, oldest first."""
    return sorted(_folder().glob("*.json"), key=lambda path: path.stat().st_mtime)


def deliver(url: str) -> int:
    """POST every pending alert as JSON and return how many there were.

    Raises httpx.HTTPError at the first that is not taken; it and the later ones stay.
    """
    with _one_at_a_time():
        alerts = pending()
        for path in alerts:
            httpx.post(
                url, json=json.loads(path.read_text()), timeout=TIMEOUT_SECONDS
            ).raise_for_status()
            path.unlink()
        return len(alerts)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (_folder() / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _folder() -> Path:
    folder = get_settings().home / "alerts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_url(run_id: str) -> str:
    """Where the run is in Dagster's UI."""
    settings = get_settings()
    return f"http://{settings.dagster_host}:{settings.dagster_port}/runs/{run_id}"


def reason(data: Any) -> str:
    """What the step itself said, else the innermost exception; in one line."""
    said = data.user_failure_data.description if data.user_failure_data else None
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return " ".join((said or (error.message if error else "no message")).split())
