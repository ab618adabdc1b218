"""Rules of the tree that nobody should have to remember."""

import ast
import re
from pathlib import Path

import pytest

from tests.support import PROJECT_ROOT

PARTS = ("eventmill", "ingest_api", "orchestration", "dashboards_api")
# Who may import whom, besides itself. The parts meet in the database and share the kernel.
MAY_IMPORT = {
    "eventmill": set[str](),
    "ingest_api": {"eventmill"},
    "orchestration": {"eventmill"},
    "dashboards_api": {"eventmill"},
}
FRAMEWORKS = {
    "fastapi",
    "starlette",
    "uvicorn",
    "dagster",
    "dagster_dbt",
    "dbt",
    "dagster_postgres",
}
LONGEST_FILE = 300


def _sources(part: str) -> list[Path]:
    return sorted((PROJECT_ROOT / part).rglob("*.py"))


def _imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("part", PARTS)
def test_imports_go_one_way(part: str) -> None:
    for file in _sources(part):
        imported = _imports(file)
        forbidden = imported & (set(PARTS) - {part} - MAY_IMPORT[part])
        assert not forbidden, f"{file} imports {forbidden}"
        if part == "eventmill":
            assert not imported & FRAMEWORKS, f"the kernel's {file} imports {imported & FRAMEWORKS}"


def test_only_the_settings_read_the_environment() -> None:
    for part in PARTS:
        for file in _sources(part):
            if file.name != "settings.py" or part != "eventmill":
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
    for page in [PROJECT_ROOT / "README.md", *(PROJECT_ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page} links to {target}"
