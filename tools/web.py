"""The npm workspace in `web/`: a package with what it depends on at hand, and its scripts."""

import shutil
from pathlib import Path

from tools import node

WEB = node.PROJECT_ROOT / "web"


def copy(name: str, into: Path) -> Path:
    """The package `web/<name>` as it is committed, with what the workspace's lock file pins."""
    made = shutil.ignore_patterns("node_modules", "dist")
    folder = Path(shutil.copytree(WEB / name, into / name, ignore=made))
    (folder / "node_modules").symlink_to(node.modules(WEB))
    return folder


def run(package: Path, script: str, **variables: str) -> str:
    """Run a script of package.json; returns what it printed, raises RuntimeError if it fails."""
    done = node.npm("run", "--silent", script, cwd=package, **variables)
    if done.returncode != 0:
        raise RuntimeError(f"npm run {script} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
