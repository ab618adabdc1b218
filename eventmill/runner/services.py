"""The processes that make a running system: what each one runs and where it answers."""

import sys
from dataclasses import dataclass
from pathlib import Path
from socket import AF_UNIX, SO_REUSEADDR, SOL_SOCKET, socket

from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import get_settings
from orchestration import code_server
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
    socket: Path | None = None
    """Of a process that answers there."""
    after: Path | None = None
    """The socket of another, which must answer before it starts."""

    @property
    def is_asked(self) -> bool:
        """Whether it answers anybody, and so can say that it is ready."""
        return self.port is not None or self.socket is not None

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
                "--http", "eventmill.http.connections:BoundedProtocol",
                "--no-access-log", "--no-proxy-headers", "--log-level", settings.log_level,
                "--timeout-keep-alive", str(KEEP_ALIVE_SECONDS),
            ),
            settings.dashboards_port,
            "EVENTMILL_DASHBOARDS_PORT",
            host=settings.host,
        ),
        Service(
            "code",
            (sys.executable, "-m", "orchestration.code_server"),
            needs_database=True,
            socket=code_server.socket(),
        ),
        Service(
            "dagster",
            (sys.executable, "-m", "orchestration.webserver"),
            settings.dagster_port,
            "EVENTMILL_DAGSTER_PORT",
            ready_path=READY_PATH,
            needs_database=True,
            after=code_server.socket(),
            host=settings.dagster_host,
        ),
        Service(
            "daemon",
            (_script("dagster-daemon"), "run", "-w", str(code_server.workspace())),
            needs_database=True,
            after=code_server.socket(),
        ),
    )  # fmt: skip


def takes_connections(path: Path) -> bool:
    with socket(AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def _script(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def require_free_ports() -> None:
    """Raise ConfigurationError naming the setting if a port is taken, by anybody."""
    for service in services():
        if service.port is None:
            continue
        with socket() as probe:
            probe.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            try:
                probe.bind((service.host, service.port))
            except OSError as error:
                place = f"{service.host}:{service.port}"
                raise ConfigurationError(
                    f"{service.name} cannot listen on {place} ({error.strerror}):"
                    f" stop what uses that port or set {service.port_setting} to another"
                ) from None
