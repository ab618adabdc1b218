"""The project as Dagster's tools see it: dg's commands, what loading does, a snapshot."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from eventmill.core.settings import child_environment
from orchestration.project import prepare_manifest
from tests.orchestration import snapshot
from tests.support import PROJECT_ROOT, environment

DEFS = PROJECT_ROOT / "orchestration" / "defs"
# Says what a process does from its first line on.
WATCHED = """
import sys
seen = []
watched = ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec", "socket.connect")
# dagster's croniter asks `file` whether Python has 32 bits, where there is that program.
ours = lambda event, args: event in watched and args[0] != "file"
sys.addaudithook(lambda event, args: seen.append(event) if ours(event, args) else None)
from orchestration.definitions import defs
defs().get_repository_def()
print(seen)
print([name for name in ("dbt.cli.main", "dlt", "boto3") if name in sys.modules])
"""


@pytest.fixture(scope="module")
def manifest(home: Path, processes: None) -> Path:
    prepare_manifest()
    return home


def dg_command(*arguments: str, folder: Path = PROJECT_ROOT) -> str:
    """What `dg` says; raises if it fails."""
    program = Path(sys.executable).with_name("dg")
    # A home of its own: dg keeps notes of its user there.
    quiet = {
        "DAGSTER_HOME": os.environ["EVENTMILL_HOME"],
        "VIRTUAL_ENV": sys.prefix,
        "COLUMNS": "200",
    }
    result = subprocess.run(
        [str(program), *arguments], cwd=folder, env=child_environment(**quiet), text=True,
        check=False, capture_output=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_dg_lists_the_definitions(manifest: Path) -> None:
    said = dg_command("list", "defs")
    print(said)
    for name in ("attribution", "daily_metrics", "export_events", "nightly_build"):
        assert name in said
    for name in ("build_days", "nightly", "rebuild_days", "every_built_day_is_exported"):
        assert name in said


def test_dg_checks_the_definitions(manifest: Path) -> None:
    said = dg_command("check", "defs") + dg_command("check", "toml")
    print(said)
    assert "All definitions loaded successfully." in said
    assert "All TOML configuration files are valid." in said


def test_a_scaffolded_asset_is_one_file(manifest: Path, tmp_path: Path) -> None:
    """In a copy, whose definitions are loaded from there."""
    shutil.copy(PROJECT_ROOT / "pyproject.toml", tmp_path)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT_ROOT / "orchestration", tmp_path / "orchestration", ignore=ignored)
    dg_command("scaffold", "defs", "dagster.asset", "marts/of_mine.py", folder=tmp_path)
    assert (tmp_path / "orchestration/defs/marts/of_mine.py").exists()
    with environment(PYTHONPATH=str(tmp_path)):
        assert "of_mine" in dg_command("list", "defs", "--json", folder=tmp_path)


def test_loading_starts_no_process_and_takes_no_connection(manifest: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", WATCHED], env=child_environment(), cwd=PROJECT_ROOT, text=True,
        check=True, capture_output=True,
    )  # fmt: skip
    assert result.stdout.splitlines()[-2:] == ["[]", "[]"]


@pytest.mark.usefixtures("processes")
def test_without_a_manifest_the_error_names_the_command(tmp_path: Path) -> None:
    code = "from orchestration.definitions import defs; defs()"
    result = subprocess.run(
        [sys.executable, "-c", code], env=child_environment(EVENTMILL_HOME=str(tmp_path)),
        cwd=PROJECT_ROOT, text=True, check=False, capture_output=True,
    )  # fmt: skip
    assert result.returncode != 0
    assert "is missing: `eventmill prepare --manifest` makes it" in result.stderr.splitlines()[-1]


def test_the_definitions_are_those_of_the_snapshot(manifest: Path) -> None:
    from orchestration.definitions import defs

    assert snapshot.text(defs()) == snapshot.FILE.read_text(), (
        "`python -m tests.orchestration.snapshot` writes the new definitions: read the diff"
    )


def test_folders_of_definitions_do_not_import_each_other() -> None:
    for file in DEFS.rglob("*.py"):
        own = ".".join(file.relative_to(PROJECT_ROOT).parts[:3]).removesuffix(".py")
        for node in ast.walk(ast.parse(file.read_text())):
            module = node.module if isinstance(node, ast.ImportFrom) else None
            if module and module.startswith("orchestration.defs"):
                assert module.startswith(own), f"{file} imports {module}"


def test_no_private_name_of_dagster_or_dagster_dbt_is_imported() -> None:
    """But for two, which the UI's application cannot be made without (decision 0039)."""
    private = set[tuple[str, str]]()
    for file in (PROJECT_ROOT / "orchestration").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                room = node.module.split(".")[0]
                if room in {"dagster", "dagster_dbt"} and node.module != room:
                    private.add((file.name, node.module))
    workspace = "dagster._core.workspace"
    assert private == {
        ("webserver.py", f"{workspace}.context"),
        ("webserver.py", f"{workspace}.load_target"),
    }


def test_the_workspace_loads_the_same(manifest: Path) -> None:
    from dagster._core.workspace.load import location_origins_from_yaml_paths

    origins = location_origins_from_yaml_paths([str(PROJECT_ROOT / "workspace.yaml")])
    (location,) = origins
    assert location.location_name == "eventmill"
    assert isinstance(dg.load_from_defs_folder(path_within_project=DEFS), dg.Definitions)
