"""The processes that make a running system: what each one runs and where it answers."""

import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import PROJECT_ROOT, get_settings
from orchestration.guard import READY_PATH


@dataclass(frozen=True, slots=True)
class Service:
    """One process. `port` is None for a process that answers nobody."""

    name: str
    command: tuple[str, ...]
    port: int | None = None
    port_setting: str | None = None
    ready_path: str = "/readyz"
    needs_database: bool = False
    """Whether it cannot start while the database is away."""
    host: str = "127.0.0.1"

    @property
    def url(self) -> str | None:
        if self.port is None:
            return None
        host = self.host
        return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{self.port}"  # noqa: S104


# An idle connection of a browser is kept this long: closed sooner, its next question may cross the
# closing on the way.
KEEP_ALIVE_SECONDS = 75


def services() -> tuple[Service, ...]:
    """Every service of this home, with the ports that its settings give."""
    settings = get_settings()
    workspace = str(PROJECT_ROOT / "workspace.yaml")

    return (
        Service(
            "ingest",
            (sys.executable, "-m", "ingest_api"),
            settings.ingest_port,
            "EVENTMILL_INGEST_PORT",
            host=settings.host,
        ),
        Service(
            "dashboards",
            (
                sys.executable, "-m", "uvicorn", "dashboards_api.app:create_app", "--factory",
                "--host", settings.host, "--port", str(settings.dashboards_port),
                "--no-access-log", "--no-proxy-headers", "--log-level", settings.log_level,
                "--timeout-keep-alive", str(KEEP_ALIVE_SECONDS),
            ),
            settings.dashboards_port,
            "EVENTMILL_DASHBOARDS_PORT",
            host=settings.host,
        ),
        Service(
            "dagster",
            (sys.executable, "-m", "orchestration.webserver"),
            settings.dagster_port,
            "EVENTMILL_DAGSTER_PORT",
            ready_path=READY_PATH,
            needs_database=True,
            host=settings.dagster_host,
        ),
        Service(
            "daemon",
            (_script("dagster-daemon"), "run", "-w", workspace),
            needs_database=True,
        ),
    )  # fmt: skip


def _script(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def require_free_ports() -> None:
    """Raise ConfigurationError naming the setting if a port is taken, by anybody."""
    for service in services():
        if service.port is None:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((service.host, service.port))
            except OSError as error:
                place = f"{service.host}:{service.port}"
                raise ConfigurationError(
                    f"{service.name} cannot listen on {place} ({error.strerror}):"
                    f" stop what uses that port or set {service.port_setting} to another"
                ) from None
