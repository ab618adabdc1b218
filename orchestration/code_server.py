"""Dagster's definitions, once for UI and daemon: `python -m orchestration.code_server`.

Without it each of the two would load a server of its own, and the daemon a new one every minute.
Reload in the UI loads the definitions anew for both. Who can open the socket can start runs: it is
in a folder of this user only.
"""

import os
import sys
from pathlib import Path

import yaml

from eventmill.core.database import short_folder
from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import PROJECT_ROOT, get_settings

MODULE, LOCATION = "orchestration.definitions", "eventmill"
NAME = "code.sock"


def socket() -> Path:
    return short_folder(get_settings().home, "run", NAME) / NAME


def workspace() -> Path:
    """The workspace file of the web server and the daemon, which `write_workspace` makes."""
    return get_settings().dagster_home / "workspace.yaml"


def write_workspace() -> None:
    server = {"socket": str(socket()), "location_name": LOCATION}
    mine = workspace().with_suffix(f".{os.getpid()}")
    mine.write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}))
    mine.replace(workspace())


def main() -> None:
    """Become Dagster's own code server. Raises ConfigurationError if the socket is not safe."""
    program = Path(sys.executable).with_name("dagster")
    folder = socket().parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.lstat().st_uid != os.geteuid():
        raise ConfigurationError(f"{folder} belongs to another user: remove it")
    folder.chmod(0o700)
    os.execv(  # noqa: S606
        program,
        [
            str(program), "code-server", "start", "--socket", str(socket()), "-m", MODULE,
            "--location-name", LOCATION, "-d", str(PROJECT_ROOT), "--log-level", "warning",
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()
