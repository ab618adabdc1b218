"""Secrets that a system makes once and keeps in its home, in files that only its user can read."""

import os
import secrets

from eventmill.core.settings import get_settings


def kept_secret(name: str) -> str:
    """The secret `name` of this home, which is made when it is first asked for. Mode 0600."""
    path = get_settings().home / "secrets" / name
    if path.exists():
        return path.read_text()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    mine = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(secrets.token_urlsafe(48))
    try:
        os.link(mine, path)  # atomic, and fails when another process was first
    except FileExistsError:
        pass
    finally:
        mine.unlink()
    return path.read_text()
