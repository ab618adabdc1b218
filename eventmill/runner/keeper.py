"""Keeps one process running: starts it again when it dies, and gives up if it dies too often."""

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

import psutil

from eventmill.core.errors import ConfigurationError
from eventmill.core.running import LastExit, ProcessState
from eventmill.runner.kept import POLL_SECONDS, Kept
from eventmill.runner.processes import state_of

# Seconds before the first, second, … start within a minute. After one death more we give up.
DELAYS = (1.0, 2.0, 4.0, 8.0)
WITHIN_SECONDS = 60


class Deaths:
    """The deaths of one process, and what follows from each."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=len(DELAYS) + 1)

    def delay(self, now: float) -> float | None:
        """Seconds to wait after a death at `now` (seconds); None is to give up."""
        self._times.append(now)
        recent = sum(now - at <= WITHIN_SECONDS for at in self._times)
        return DELAYS[recent - 1] if recent <= len(DELAYS) else None


class Keeper:
    """A thread that goes: starting → running → (died) → waiting → starting; or → given up.

    `is_up` is set once the whole system was ready. Before that, one death is enough to give up:
    what does not start at all is not started again. `say` prints a line, `changed` is called when
    `state` is another.
    """

    def __init__(
        self,
        process: Kept,
        is_up: threading.Event,
        stopping: threading.Event,
        say: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        self.name = process.name
        self.log = process.log
        self.state = ProcessState()
        self.problem: str | None = None
        """Why it was given up, in one line."""
        self._process = process
        self._is_up = is_up
        self._stopping = stopping
        self._say = say
        self._changed = changed
        self._deaths = Deaths()
        self._thread = threading.Thread(target=self._keep, name=self.name, daemon=True)
        self.start = self._thread.start
        self.join = self._thread.join

    def _keep(self) -> None:
        self._wait_until_startable()
        while not self._stopping.is_set():
            how, last_line = self._run()
            if self._stopping.is_set():
                return
            delay = self._deaths.delay(time.monotonic()) if self._is_up.is_set() else None
            self._died(how, last_line, is_given_up=delay is None)
            if delay is None:
                return
            self._say(f"{self.name} ended with {how}: it is started again in {delay:g} s")
            self._stopping.wait(delay)
            self._wait_until_startable()
            self.state.restarts += 1

    def _wait_until_startable(self) -> None:
        while not self._process.is_startable() and not self._stopping.wait(POLL_SECONDS):
            pass

    def _run(self) -> tuple[str, str]:
        """Start the process and wait for its end: how it ended, and its last line."""
        try:
            self._process.start()
        except (ConfigurationError, OSError) as error:
            return "a failed start", str(error)
        try:
            running = state_of(self._process.pid or 0)
            self.state = self.state.model_copy(
                update=running.model_dump(include={"pid", "created"})
            )
            self._changed()
        except psutil.NoSuchProcess:
            pass
        return self._process.wait(self._stopping), self._process.last_line

    def _died(self, how: str, last_line: str, *, is_given_up: bool) -> None:
        if is_given_up:
            times = f" {len(DELAYS) + 1} times in a minute, last" if self._is_up.is_set() else ""
            self.problem = (
                f"{self.name} ended{times} with {how}: {last_line or 'it said nothing'}"
                f" (its log: {self.log})"
            )
        last_exit = LastExit(at=datetime.now(UTC), how=how, last_line=last_line)
        ended = {"pid": None, "created": None, "last_exit": last_exit, "is_given_up": is_given_up}
        self.state = self.state.model_copy(update=ended)
        self._changed()
        if self.problem and self._is_up.is_set():
            self._say(f"{self.problem}. It is not started again; the others go on")
