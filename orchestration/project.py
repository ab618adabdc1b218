"""The dbt project as Dagster sees it: its manifest, which is made before a process imports it."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from eventmill.core.database import dbt_environment
from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import child_environment, get_settings

# Only this target's manifest names the production schemas.
TARGET = "prod"
PARTIAL_PARSE = "partial_parse.msgpack"
# The project's own word on what the domain of a referrer is: the enrichment asks for it in SQL.
REFERRER_DOMAIN = "{{ url_host('referrer') }}"
ARTIFACTS = (PARTIAL_PARSE, "run_results.json", "manifest.json")


@cache
def manifest() -> dict[str, Any]:
    """The manifest as it was made last. Never makes one: it is read while modules are imported.

    Raises ConfigurationError if there is none.
    """
    file = get_settings().manifest_dir / "manifest.json"
    if not file.exists():
        raise ConfigurationError(f"{file} is missing: `eventmill prepare --manifest` makes it")
    content: dict[str, Any] = orjson.loads(file.read_bytes())
    return content


@cache
def referrer_domain_sql() -> str:
    """SQL of the domain of the column `referrer`, as the models have it. May make the manifest."""
    prepare_manifest()
    compiled = orjson.loads((get_settings().manifest_dir / "run_results.json").read_bytes())
    return str(compiled["results"][0]["compiled_code"])


def prepare_manifest() -> bool:
    """Parse the project unless its manifest is up to date. True if it was parsed: takes seconds.

    Several processes may call it at once: one parses, the others wait for it.
    """
    folder = get_settings().manifest_dir
    folder.mkdir(parents=True, exist_ok=True)
    current = fingerprint()
    with (folder / "parse.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / "manifest.sha256"
        if (folder / "manifest.json").exists() and _read(stamp) == current:
            return False
        with tempfile.TemporaryDirectory(dir=folder, prefix="parse-") as scratch:
            _parse(Path(scratch))
            for name in ARTIFACTS:
                os.replace(Path(scratch) / name, folder / name)
        stamp.write_text(current)
        return True


@contextmanager
def target_path(name: str) -> Iterator[Path]:
    """A folder of its own for one dbt invocation, with what parsing learnt; removed afterwards."""
    folder = get_settings().dbt_target_dir / "runs" / name
    folder.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(folder.parent)
    if (get_settings().manifest_dir / PARTIAL_PARSE).exists():
        shutil.copy(get_settings().manifest_dir / PARTIAL_PARSE, folder / PARTIAL_PARSE)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_leftovers(folder: Path) -> None:
    """Remove what killed runs left behind; no build takes a day."""
    for left in folder.iterdir():
        if time.time() - left.stat().st_mtime > 86_400:
            shutil.rmtree(left, ignore_errors=True)


def _parse(target: Path) -> None:
    """Write ARTIFACTS into `target`. Compiling parses too; like this it needs no database."""
    command = [
        str(Path(sys.executable).with_name("dbt")), "--quiet", "compile",
        "--inline", REFERRER_DOMAIN, "--no-introspect", "--no-populate-cache",
        "--target", TARGET, "--target-path", str(target),
    ]  # fmt: skip
    environment = child_environment(**dbt_environment())
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    if result.returncode != 0:
        said = " ".join((result.stdout + result.stderr).split())
        raise ConfigurationError(f"dbt cannot parse {get_settings().dbt_project_dir}: {said}")


def fingerprint() -> str:
    """A hash of dbt's version and of every file of the project that parsing reads."""
    project = get_settings().dbt_project_dir
    digest = hashlib.sha256(version("dbt-core").encode())
    files = [p for kind in ("sql", "yml", "csv") for p in project.rglob(f"*.{kind}")]
    for path in sorted(files):
        digest.update(f"\0{path.relative_to(project)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None
