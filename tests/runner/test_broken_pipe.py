"""Whoever reads the output may leave, as `head` does: the command ends, and says nothing of it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from eventmill.core.settings import child_environment
from eventmill.runner.services import Service
from eventmill.runner.supervisor import Supervisor
from tests.support import run_eventmill, wait_until

pytestmark = pytest.mark.usefixtures("processes")
ENDED_BY_SIGPIPE = 141
LOG = '127.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 1 "-" "curl/7"\n'


@contextmanager
def pipe_without_reader() -> Iterator[int]:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


def without_reader(*arguments: str, is_stderr_too: bool = False) -> tuple[int, str]:
    """Status of the command, and what it said on standard error."""
    command = [str(Path(sys.executable).with_name("eventmill")), *arguments]
    with pipe_without_reader() as pipe:
        result = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe if is_stderr_too else subprocess.PIPE,
            check=False,
            timeout=120,
            env=child_environment(),
        )
    return result.returncode, (result.stderr or b"").decode()


@pytest.mark.parametrize(
    "arguments", [["settings"], ["settings", "--json"], ["status"], ["--help"], ["plan", "check"]]
)
def test_without_a_reader_a_command_ends_silently(database: str, arguments: list[str]) -> None:
    assert without_reader(*arguments) == (ENDED_BY_SIGPIPE, "")


def test_an_import_without_a_reader_is_done_and_ends_silently(
    database: str, tmp_path: Path
) -> None:
    (tmp_path / "access.log").write_text(LOG)
    arguments = ("import", "access-log", str(tmp_path / "access.log"))
    assert without_reader(*arguments) == (ENDED_BY_SIGPIPE, "")
    assert "1 were stored already" in run_eventmill(*arguments).stdout


def test_an_error_that_nobody_reads_is_no_other_error(home: Path) -> None:
    arguments = ("token", "--role", "root", "--sub", "u")
    assert without_reader(*arguments)[0] == 1
    assert without_reader(*arguments, is_stderr_too=True)[0] == ENDED_BY_SIGPIPE


def test_psql_is_left_to_die_of_the_signal(database: str) -> None:
    alive = run_eventmill("psql", "--", "-c", r"\! sh -c 'kill -PIPE $$; echo alive'")
    assert alive.stdout == ""


def test_the_system_stops_when_nobody_reads_its_logs(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talks = "import time\nwhile True: print('x' * 70000, flush=True); time.sleep(0.01)"
    service = Service("talker", (sys.executable, "-c", talks))
    monkeypatch.setattr("eventmill.runner.supervisor.services", lambda: (service,))
    with pipe_without_reader() as pipe, Supervisor(show_logs=True) as supervisor:
        monkeypatch.setattr(sys, "stdout", os.fdopen(os.dup(pipe), "w"))
        supervisor.start()
        log = supervisor.logs / "talker.log"
        wait_until(lambda: log.exists() and log.stat().st_size > 1_000_000)
        with pytest.raises(BrokenPipeError):
            supervisor.check()
