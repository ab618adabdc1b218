"""What dies is started again, what dies too often is given up, and stopping stops everything."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from eventmill.core.running import ProcessState, SystemState, read_state
from eventmill.core.settings import PROJECT_ROOT, child_environment
from eventmill.runner.embedded import EmbeddedPostgres
from eventmill.runner.keeper import DELAYS, Deaths
from eventmill.runner.processes import MARK, mark_of
from tests.support import environment, free_port, run_eventmill, wait_until

AT_ONCE, NEVER = "0.05", "1000"


def test_each_death_within_a_minute_waits_longer_and_the_fifth_ends_it() -> None:
    deaths = Deaths()
    assert [deaths.delay(at) for at in (0, 10, 20, 30, 40)] == [*DELAYS, None]


def test_deaths_of_more_than_a_minute_ago_are_forgotten() -> None:
    deaths = Deaths()
    assert [deaths.delay(at) for at in (0, 30, 59)] == list(DELAYS[:3])
    assert [deaths.delay(at) for at in (61, 200, 261)] == [DELAYS[2], DELAYS[0], DELAYS[0]]


class Tiny:
    """A running tiny system: its process, and what is known of what it keeps."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    @property
    def system(self) -> SystemState:
        state = read_state()
        assert state is not None
        return state

    def state(self, name: str) -> ProcessState:
        return self.system.processes[name]

    def kill(self, name: str) -> int:
        """-9; returns the process id that it had."""
        wait_until(lambda: self.state(name).pid)
        pid = self.state(name).pid or 0
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.state(name).pid != pid)
        return pid

    def end(self) -> str:
        """Its output, once it has ended."""
        printed, _ = self.process.communicate(timeout=60)
        return printed


def marked(mark: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def start(processes: None, home: Path, tmp_path: Path) -> Iterator[Callable[[str], Tiny]]:
    """`start(delay)` a tiny system; the settings name its home."""
    started: list[Tiny] = []
    ports = {f"EVENTMILL_{name}_PORT": str(free_port()) for name in ("INGEST", "DASHBOARDS")}
    with environment(EVENTMILL_HOME=str(tmp_path), EVENTMILL_DATABASE_URL=None, **ports):

        def run(delay: str) -> Tiny:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.runner.tiny", delay],
                cwd=PROJECT_ROOT,
                env=child_environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            started.append(Tiny(process))
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("everything is ready"):
                    break
            return started[-1]

        yield run
        for tiny in started:
            tiny.process.kill()
        run_eventmill("down")


def test_what_dies_is_started_again_and_the_others_go_on(start: Callable[[str], Tiny]) -> None:
    tiny = start(AT_ONCE)
    mark, steady = mark_of(tiny.system.supervisor), tiny.state("steady")
    old = tiny.kill("frail")
    wait_until(lambda: tiny.state("frail").restarts == 1 and tiny.state("frail").pid)
    again = tiny.state("frail")
    assert again.pid != old
    assert again.last_exit is not None
    assert again.last_exit.how == "signal SIGKILL"
    assert tiny.state("steady") == steady
    tiny.process.send_signal(signal.SIGTERM)
    assert "frail ended with signal SIGKILL: it is started again in 0.05 s" in tiny.end()
    assert tiny.process.returncode == 0
    assert not marked(mark), "the child that the killed service left is stopped too"


def test_what_dies_five_times_in_a_minute_is_given_up(
    start: Callable[[str], Tiny], tmp_path: Path
) -> None:
    tiny = start(AT_ONCE)
    steady = tiny.state("steady")
    (tmp_path / "broken").touch()
    tiny.kill("frail")
    wait_until(lambda: tiny.state("frail").is_given_up)
    assert tiny.state("frail").restarts == len(DELAYS)
    assert tiny.state("steady") == steady
    tiny.process.send_signal(signal.SIGINT)
    printed = tiny.end()
    assert tiny.process.returncode == 1
    problem = (
        "frail ended 5 times in a minute, last with status 3: something is broken"
        f" (its log: {tmp_path / 'logs' / 'frail.log'})"
    )
    assert f"eventmill | {problem}. It is not started again; the others go on\n" in printed
    assert f"eventmill: {problem}\n" in printed


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, "down"])
def test_stopping_in_the_middle_of_a_backoff(
    start: Callable[[str], Tiny], how: signal.Signals | str
) -> None:
    tiny = start(NEVER)
    mark = mark_of(tiny.system.supervisor)
    tiny.kill("frail")
    if isinstance(how, signal.Signals):
        tiny.process.send_signal(how)
    else:
        # A zombie would be waited for: somebody has to take its exit status.
        threading.Thread(target=tiny.process.wait).start()
        assert run_eventmill("down").stdout == "stopped supervisor, steady\n"
    tiny.end()
    assert tiny.process.returncode == 0
    assert not marked(mark)
    assert read_state() is None


def test_down_stops_what_a_killed_supervisor_left(start: Callable[[str], Tiny]) -> None:
    tiny = start(AT_ONCE)
    mark = mark_of(tiny.system.supervisor)
    tiny.process.kill()
    tiny.process.wait()
    assert marked(mark)
    assert run_eventmill("down").stdout == "stopped frail, steady\n"
    assert not marked(mark)


def test_what_fails_at_the_first_start_ends_it_all(
    start: Callable[[str], Tiny], tmp_path: Path
) -> None:
    (tmp_path / "broken").touch()
    tiny = start(AT_ONCE)
    tiny.end()
    assert tiny.process.returncode == 1


def test_a_killed_server_is_started_again_though_a_query_goes_on(
    processes: None, tmp_path: Path
) -> None:
    """A backend that computes does not notice, and would hold the shared memory."""
    server = EmbeddedPostgres(tmp_path)
    server.start()
    url = server.url.replace("/eventmill?", "/postgres?")

    def compute(connection: psycopg.Connection) -> None:
        with suppress(psycopg.OperationalError):
            connection.execute("select count(*) from generate_series(1, 1e12)")

    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create table kept as select 1 as n")
        computing = psycopg.connect(url, autocommit=True)
        backend = computing.info.backend_pid
        thread = threading.Thread(target=compute, args=(computing,))
        thread.start()
        wait_until(lambda: psutil.Process(backend).cpu_times().user > 0.05)
        os.kill(server.pid() or 0, signal.SIGKILL)
        wait_until(lambda: server.pid() is None)
        assert psutil.pid_exists(backend)
        assert server.start()
        thread.join()
        with psycopg.connect(url) as connection:
            assert connection.execute("select n from kept").fetchone() == (1,)
    finally:
        server.stop()
