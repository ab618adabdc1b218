"""Rules of the tree that nobody should have to remember."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support import PROJECT_ROOT

PARTS = ("eventmill", "ingest_api", "orchestration", "dashboards_api")
# Who may import whom, besides itself. The parts meet in the database and share the rooms below.
BELOW = {"eventmill.core", "eventmill.http", "eventmill.privacy", "eventmill.warehouse"}
MAY_IMPORT = {
    "eventmill.core": set[str](),
    "eventmill.http": {"eventmill.core"},
    "eventmill.warehouse": {"eventmill.core"},
    # An erasure reaches exported files.
    "eventmill.privacy": {"eventmill.core", "eventmill.warehouse"},
    "ingest_api": BELOW,
    "orchestration": BELOW,
    "dashboards_api": BELOW,
    "eventmill.runner": {*BELOW, "ingest_api", "orchestration", "dashboards_api"},
}
# Frameworks that the room's importers need not have.
FORBIDDEN = {
    "eventmill.core": {
        "fastapi", "starlette", "uvicorn", "dagster", "dagster_dbt", "dagster_postgres", "dbt",
        "dlt", "duckdb", "pyarrow", "polars", "obstore", "boto3", "fsspec",
        "adbc_driver_postgresql", "typer", "click", "rich",
    },
}  # fmt: skip
LONGEST_FILE = 300
# What documents name that is no path of this tree: files of a running system, and other names.
OF_A_HOME = (
    ".eventmill/", "dagster/", "dbt_target/", "exports/", "logs/", "manifest.json", "postgres/",
    "run/", "schema.json", "secrets/", "spool/",
)  # fmt: skip
NO_PATHS = (
    ".venv/",
    "application/",
    "text/",
    "FILE.csv",
    "eventmill/progress",
    "eventmill/why",
    "psycopg.sql",
)


def _sources(part: str) -> list[Path]:
    return sorted((PROJECT_ROOT / part).rglob("*.py"))


def _module(file: Path) -> str:
    parts = file.relative_to(PROJECT_ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_module(file): file for part in PARTS for file in _sources(part)}


def _imported(module: str) -> set[str]:
    """What a module imports, also inside functions and for types."""
    found = set[str]()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{module} imports relatively"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & MODULES.keys() or {node.module}
            if node.module in MODULES and names - MODULES.keys():
                found.add(node.module)
    return found - {module}


def _room(module: str) -> str:
    return ".".join(module.split(".")[: 2 if module.startswith("eventmill.") else 1])


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_imports_go_one_way(room: str) -> None:
    for module in MODULES:
        if _room(module) == room:
            imported = _imported(module)
            rooms = {_room(name) for name in imported if name in MODULES} - {"eventmill"}
            assert rooms <= MAY_IMPORT[room] | {room}, f"{module} imports {rooms}"
            frameworks = {name.split(".")[0] for name in imported} & FORBIDDEN.get(room, set())
            assert not frameworks, f"{module} imports {frameworks}"


def test_every_module_is_in_a_room() -> None:
    assert {_room(module) for module in MODULES} - {"eventmill"} == MAY_IMPORT.keys()


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Lazy imports count: a circle that is loaded late is still read as one."""
    graph = {module: _imported(module) & MODULES.keys() for module in MODULES}
    sorter = TopologicalSorter(graph)
    try:
        sorter.prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_only_the_settings_read_the_environment() -> None:
    for part in PARTS:
        for file in _sources(part):
            if file != PROJECT_ROOT / "eventmill" / "core" / "settings.py":
                assert "os.environ" not in file.read_text(), file
                assert "getenv" not in file.read_text(), file


def test_no_file_holds_more_than_one_concept_by_size() -> None:
    for part in (*PARTS, "tests", "bench"):
        for file in _sources(part):
            length = len(file.read_text().splitlines())
            assert length <= LONGEST_FILE, f"{file} has {length} lines: split it by concept"


def test_every_module_says_what_it_is() -> None:
    for part in (*PARTS, "bench"):
        for file in _sources(part):
            text = file.read_text()
            assert not text.strip() or ast.get_docstring(ast.parse(text)), (
                f"{file} has no docstring"
            )


def test_links_in_the_documents_lead_somewhere() -> None:
    pages = [*PROJECT_ROOT.glob("*.md"), *(PROJECT_ROOT / "docs").rglob("*.md")]
    for page in [*pages, PROJECT_ROOT / "web" / "tracker" / "README.md"]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page} links to {target}"


def test_paths_in_the_documents_exist() -> None:
    """A path may be shortened from the left, as `defs/dbt/run.py`, and have a wildcard."""
    tree = [
        f"/{path.relative_to(PROJECT_ROOT).as_posix()}{'/' if path.is_dir() else ''}"
        for top in PROJECT_ROOT.iterdir()
        if not top.name.startswith(".") or top.is_file()
        for path in (top, *top.rglob("*"))
        if not {"__pycache__", "node_modules"} & set(path.parts)
    ]
    missing = []
    files = re.compile(r"\.(cfg|csv|js|json|md|mjs|py|sql|toml|ts|txt|yaml|yml)$")
    for page in [*PROJECT_ROOT.glob("*.md"), *(PROJECT_ROOT / "docs").rglob("*.md")]:
        prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        for path in re.findall(r"`([\w.*-]+(?:/[\w.*-]+)*/?)`", prose):
            if path.startswith((*OF_A_HOME, *NO_PATHS)) or not ("/" in path or files.search(path)):
                continue
            ending = path if path.startswith(".") and "/" not in path else f"/{path}"
            wildcards = re.escape(ending).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
            found = re.compile(f"{wildcards}/?$")
            if not any(found.search(known) for known in tree):
                missing.append(f"{page.name}: {path}")
    assert not missing


def test_people_are_they() -> None:
    """A visitor, a user and an analyst are anybody."""
    spoken = re.compile(r"\b(he|she|him|his|her|hers|himself|herself)\b")
    for part in (*PARTS, "bench", "dbt_project", "docs"):
        for file in (PROJECT_ROOT / part).rglob("*"):
            if file.suffix in {".py", ".sql", ".yml", ".md"} and "migrations" not in file.parts:
                for number, line in enumerate(file.read_text().splitlines(), start=1):
                    assert not spoken.search(line), f"{file}:{number}: {line.strip()}"
