"""Whom the embedded PostgreSQL runs as, since it refuses to run as root.

Started by root, it runs as root's own files in a user namespace of its own, where the kernel calls
root by another name: nobody else owns or reaches the data, and no folder needs to be opened. Where
the machine has no user namespaces (macOS, many containers) it runs as `nobody`.
"""

import functools
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from eventmill.core.errors import ConfigurationError

# Root's name inside of the namespace. Not `nobody`: so the kernel calls there all other users.
NAMESPACE_USER = "daemon"
UNPRIVILEGED_USER = "nobody"


@dataclass(frozen=True, slots=True)
class ServerUser:
    """How to start the server's programs, and by which name it knows those who may log in."""

    client: str
    """What the server calls the user of this home when they connect."""
    prefix: tuple[str, ...] = ()
    """Of each command."""
    uid: int | None = None
    gid: int | None = None
    """Whom a command changes to; None for the user of this process."""

    @property
    def owner(self) -> int:
        return os.geteuid() if self.uid is None else self.uid

    def give(self, path: Path) -> None:
        """Make `path` and what is in it the server's. Raises ConfigurationError if that fails."""
        if path.stat().st_uid == self.owner:
            return
        if os.geteuid() != 0:
            raise ConfigurationError(
                f"{path} belongs to another user: set EVENTMILL_HOME to a folder of your own"
            )
        gid = os.getegid() if self.gid is None else self.gid
        for each in (path, *path.rglob("*")):
            os.chown(each, self.owner, gid, follow_symlinks=False)

    def require_passage(self, paths: Iterable[Path], home: Path | None = None) -> None:
        """Let the server through the folders above `paths`, where that is ours to do: in `home`.

        Raises ConfigurationError, naming the folder, if one outside is closed to the server.
        """
        if self.uid is None:
            return
        for folder in dict.fromkeys(folder for path in paths for folder in path.parents):
            mode = folder.stat().st_mode
            if mode & stat.S_IXOTH or folder.stat().st_uid == self.uid:
                continue
            if home is None or not folder.is_relative_to(home):
                raise ConfigurationError(
                    f"PostgreSQL does not run as root, and `{UNPRIVILEGED_USER}`, as whom it runs"
                    f" instead, may not enter {folder}: run Eventmill as a user who is not root, or"
                    f" set EVENTMILL_HOME to a folder that everybody may enter, or `chmod o+x"
                    f" {folder}`"
                )
            folder.chmod(mode | stat.S_IXOTH)


@functools.cache
def server_user() -> ServerUser:
    """Whom the server of this process's user runs as."""
    if os.geteuid() != 0:
        return ServerUser(pwd.getpwuid(os.geteuid()).pw_name)
    if prefix := _namespace():
        return ServerUser(NAMESPACE_USER, prefix)
    nobody = pwd.getpwnam(UNPRIVILEGED_USER)
    return ServerUser("root", (), nobody.pw_uid, nobody.pw_gid)


def _namespace() -> tuple[str, ...]:
    """What starts a command in a user namespace; empty if this machine does not allow it."""
    program = shutil.which("unshare")
    try:
        user = pwd.getpwnam(NAMESPACE_USER)
    except KeyError:
        return ()
    if program is None:
        return ()
    prefix = (
        program, "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}", "--",
    )  # fmt: skip
    tried = subprocess.run([*prefix, "true"], check=False, capture_output=True)
    return prefix if tried.returncode == 0 else ()
