"""Another user of the same machine reaches nothing of the embedded server's."""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from eventmill.core.errors import ConfigurationError
from eventmill.runner import embedded, server_user
from eventmill.runner.embedded import EmbeddedPostgres
from eventmill.runner.server_user import ServerUser

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user"),
    pytest.mark.usefixtures("processes"),
]
NOBODY = pwd.getpwnam("nobody")


@pytest.fixture
def _without_namespaces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(server_user, "_namespace", tuple)
    server_user.server_user.cache_clear()
    yield
    server_user.server_user.cache_clear()


def _as_nobody(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, check=False, capture_output=True, text=True, cwd="/", user=NOBODY.pw_uid,
        group=NOBODY.pw_gid, extra_groups=[],
    )  # fmt: skip


def test_nobody_else_logs_in_or_reads_the_files(tmp_path: Path) -> None:
    home = tmp_path / "home"
    postgres = EmbeddedPostgres(home)
    modes = {folder: folder.stat().st_mode for folder in home.parents}
    postgres.start()
    try:
        with psycopg.connect(postgres.url.replace("/eventmill?", "/postgres?")) as connection:
            assert connection.execute("select current_user").fetchone() == ("eventmill",)
        assert {folder: folder.stat().st_mode for folder in home.parents} == modes
        # Even where somebody has opened every folder on the way.
        for folder in (*home.parents, home, home / "postgres"):
            if not folder.stat().st_mode & stat.S_IXOTH:
                folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
        assert _as_nobody("ls", str(postgres.data)).returncode != 0
        assert _as_nobody("ls", str(postgres.socket_dir)).returncode != 0
        postgres.socket_dir.chmod(0o755)
        (postgres.socket_dir / ".s.PGSQL.5432").chmod(0o777)
        tried = _as_nobody(
            str(embedded.BIN / "psql"), "-h", str(postgres.socket_dir), "-U", "eventmill",
            "-d", "postgres", "-c", "select 1",
        )  # fmt: skip
        assert tried.returncode != 0
        assert 'Peer authentication failed for user "eventmill"' in tried.stderr
    finally:
        postgres.stop()


@pytest.mark.usefixtures("_without_namespaces")
def test_a_home_that_the_server_may_not_enter_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    user = server_user.server_user()
    assert user == ServerUser("root", (), NOBODY.pw_uid, NOBODY.pw_gid)
    home = closed / "home"
    (home / "postgres").mkdir(parents=True, mode=0o700)
    with pytest.raises(ConfigurationError, match=f"may not enter {closed}: run Eventmill as"):
        user.require_passage((home / "postgres" / "data",), home)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@pytest.mark.usefixtures("_without_namespaces")
def test_without_namespaces_it_runs_as_nobody_whom_it_does_not_let_in() -> None:
    for folder in Path(embedded.BIN / "postgres").parents:
        if not folder.stat().st_mode & stat.S_IXOTH:
            pytest.skip(f"nobody may not enter {folder}, where the server's programs are")
    base = Path(tempfile.mkdtemp(dir="/tmp"))  # pytest's own folders are closed to others
    base.chmod(0o755)
    postgres = EmbeddedPostgres(base / "home")
    try:
        postgres.start()
        assert postgres.data.stat().st_uid == NOBODY.pw_uid
        with psycopg.connect(postgres.url.replace("/eventmill?", "/postgres?")) as connection:
            assert connection.execute("select current_user").fetchone() == ("eventmill",)
        tried = _as_nobody(
            str(embedded.BIN / "psql"), "-h", str(postgres.socket_dir), "-U", "eventmill",
            "-d", "postgres", "-c", "select 1",
        )  # fmt: skip
        assert "Peer authentication failed" in tried.stderr, tried
    finally:
        postgres.stop()
    # The same data, once the machine has namespaces.
    ServerUser("root").give(postgres.data)
    assert (postgres.data / "base").stat().st_uid == 0
    shutil.rmtree(base)
