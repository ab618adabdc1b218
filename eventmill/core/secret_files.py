"""Secrets that a system makes once and keeps in its home, in files that only its user can read."""

import os
import secrets
import stat
from pathlib import Path

from eventmill.core.settings import get_settings

# What services and Dagster put into the home, with the permissions that files usually get.
FOLDERS = ("logs", "run", "dagster", "dbt_target", "dbt_logs")


def kept_secret(name: str) -> str:
    """The secret `name` of this home, which is made when it is first asked for. Mode 0600."""
    path = get_settings().home / "secrets" / name
    if path.exists():
        return path.read_text()
    mine = _written_beside(path, secrets.token_urlsafe(48))
    try:
        os.link(mine, path)  # atomic, and fails when another process was first
    except FileExistsError:
        pass
    finally:
        mine.unlink()
    return path.read_text()


def write_secret(name: str, text: str) -> Path:
    """Keep `text` as the secret `name` of this home, in place of what was there. Mode 0600."""
    path = get_settings().home / "secrets" / name
    _written_beside(path, text).replace(path)
    return path


def _written_beside(path: Path, text: str) -> Path:
    """A new file in the folder of `path`."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    mine = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
    return mine


def tighten_home() -> None:
    """Keep everybody else from reading this home, also one that an older version made.

    The embedded server's folder is the server's. Whoever may pass through the home may do so still:
    a server with a user of its own has to.
    """
    home = get_settings().home
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    home.chmod(stat.S_IMODE(home.stat().st_mode) & ~0o066)
    for name in FOLDERS:
        (home / name).mkdir(exist_ok=True, mode=0o700)
    for path in home.iterdir():
        if path.name != "postgres" and not path.is_symlink():
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o077)
