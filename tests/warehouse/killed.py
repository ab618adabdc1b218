"""A process that stops where a test wants it to, as if it were slow, and is killed there."""

import subprocess
import sys

from eventmill.core.settings import child_environment

# For the place of a function of ours: its call never ends, or does its work and then never ends.
STOPS = """
import time

def stop(*_, **__):
    print("here", flush=True)
    time.sleep(600)

def stop_after(function):
    def both(*arguments, **named):
        function(*arguments, **named)
        stop()
    return both
"""


def started(program: str) -> "subprocess.Popen[str]":
    """A Python process that runs `program`, which can use `stop` and `stop_after`."""
    return subprocess.Popen(
        [sys.executable, "-c", STOPS + program],
        env=child_environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def kill_where_it_stops(program: str) -> None:
    """Run `program` until it stops, and kill it there."""
    process = started(program)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "here\n"
    finally:
        process.kill()
        process.wait()
