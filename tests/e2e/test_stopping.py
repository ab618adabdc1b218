"""Stopping, and that nothing is left of a system then."""

import json

import psutil

from tests.e2e.conftest import RunningDemo, stop_demo
from tests.support import scalar


def _processes_of(home: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            mine = process.environ().get("EVENTMILL_HOME") == home or any(
                home in part for part in process.cmdline()
            )
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if mine and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def test_ctrl_c_stops_everything_and_a_second_start_finds_its_data(demo: RunningDemo) -> None:
    with demo.connect() as connection:
        events = scalar(connection, "select count(*) from raw.events")
    home = str(demo.home)
    assert _processes_of(home)
    assert stop_demo(demo) == 0
    assert not _processes_of(home)

    again = demo.shell("eventmill demo --once")
    assert again.returncode == 0, again.stdout + again.stderr
    assert not _processes_of(home)

    status = json.loads(demo.shell("eventmill status --json").stdout)
    assert status["database"]["running"] is False

    count = demo.shell("eventmill psql -- -Atc 'select count(*) from raw.events'")
    assert int(count.stdout) == events
    assert _processes_of(home), "psql leaves the embedded server running"
    assert demo.shell("eventmill down").stdout == "stopped postgresql\n"
    assert not _processes_of(home)
    assert demo.shell("eventmill down").stdout == "nothing was running\n"
