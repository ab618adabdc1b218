"""A system of two small services, as `eventmill up` runs its own.

`python -m tests.runner.tiny DELAY`: `frail` and `steady` serve files on the ports of ingest and
dashboards, for the home of EVENTMILL_HOME. A process that died is started again after DELAY
seconds. While `<home>/broken` exists, `frail` does not start. `frail` leaves a child behind.
"""

import sys

from eventmill.core.settings import get_settings
from eventmill.runner import cli, keeper, supervisor
from eventmill.runner.services import Service

SERVER = """
import os, subprocess, sys, http.server
if os.path.exists(sys.argv[1]):
    print("something is broken", flush=True)
    sys.exit(3)
if sys.argv[1]:
    subprocess.Popen(["sleep", "1000"])
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[2]), bind="127.0.0.1")
"""


def services() -> tuple[Service, ...]:
    settings = get_settings()
    broken = str(settings.home / "broken")
    return tuple(
        Service(name, (sys.executable, "-uc", SERVER, file, str(port)), port, ready_path="/")
        for name, file, port in (
            ("frail", broken, settings.ingest_port), ("steady", "", settings.dashboards_port),
        )
    )  # fmt: skip


def up() -> None:
    with (
        supervisor.stop_on_signal(),
        supervisor.Supervisor(show_logs=True) as running,
    ):
        running.start()
        running.wait_until_ready()
        print("everything is ready", flush=True)
        running.serve()


def main() -> None:
    keeper.DELAYS = (float(sys.argv[1]),) * len(keeper.DELAYS)
    supervisor.services = services
    cli.app = up  # type: ignore[assignment]
    cli.main()


if __name__ == "__main__":
    main()
