"""Every command in the README and the documents is executed here, against a running system.

First of this folder, while the demo has the days of its sample only: what builds or exports "the
last days" has few of them then.
"""

import re
import shutil
from functools import cache
from pathlib import Path

import pytest

from eventmill.core.settings import PROJECT_ROOT
from tests.e2e.conftest import RunningDemo

# Decisions are history: nobody runs what they quote.
PAGES = [
    PROJECT_ROOT / "README.md",
    *sorted(
        (page for page in (PROJECT_ROOT / "docs").rglob("*.md") if page.parent.name != "decisions"),
        key=lambda page: page.name,
    ),
]
# What this very session is, or does by other tests: the demo fixture runs `eventmill demo`,
# tests/e2e/test_stopping.py stops it.
RUN_ELSEWHERE = {"make demo", "make test", "eventmill up", "eventmill down", "make down"}
# Builds of days, in one line: each is executed on the first page that has it.
BUILDS = ("make dbt-", "eventmill backfill ")
TUTORIAL = "docs/tutorial/first-hour.md"
EDIT = "sed -i"


@cache
def _scripts() -> dict[str, str]:
    """Page → its commands in their order, as its reader types them into one shell.

    A block or a build that an earlier page has too is left out: it has been executed.
    """
    seen: set[str] = set()
    scripts = {}
    for page in PAGES:
        blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
        lines = [
            line
            for block in blocks
            if block not in seen
            for line in block.splitlines()
            if line.split("  #")[0].strip() not in RUN_ELSEWHERE | seen
        ]
        seen.update(blocks, (line for line in lines if line.startswith(BUILDS)))
        if lines:
            scripts[page.relative_to(PROJECT_ROOT).as_posix()] = "\n".join(lines)
    return scripts


def _run(demo: RunningDemo, page: str, folder: Path) -> str:
    """What the page's commands print. They must succeed."""
    script = _scripts()[page].replace("curl ", "curl --fail-with-body ")
    # Somebody else's file of that name may be there.
    script = script.replace("/tmp/", f"{folder}/")
    for port, name in (("8000", "ingest"), ("8001", "dashboards"), ("3000", "dagster")):
        script = script.replace(f"127.0.0.1:{port}", f"127.0.0.1:{demo.port(name)}")
    if EDIT in script:
        checkout = _copy_of_the_checkout(folder / "checkout")
        there = f"cd {checkout}\nexport PYTHONPATH={checkout}\n{EDIT}"
        script = script.replace(EDIT, there, 1)
    result = demo.shell(f"set -exo pipefail\n{script}", timeout=900)
    assert result.returncode == 0, f"{page}:\n{result.stdout}\n{result.stderr}"
    return result.stdout


def _copy_of_the_checkout(folder: Path) -> Path:
    """A checkout whose dbt project can be edited: the real one is being read by other tests."""
    folder.mkdir()
    for entry in PROJECT_ROOT.iterdir():
        # The settings take the project's folder from where they are themselves.
        if entry.name in ("dbt_project", "eventmill"):
            shutil.copytree(entry, folder / entry.name)
        else:
            (folder / entry.name).symlink_to(entry)
    return folder


@pytest.mark.parametrize("page", sorted(_scripts().keys() - {TUTORIAL}, key=[*_scripts()].index))
def test_the_commands_of_the_documents_work(demo: RunningDemo, page: str, tmp_path: Path) -> None:
    _run(demo, page, tmp_path)


def test_the_tutorial_prints_what_it_says(demo: RunningDemo, tmp_path: Path) -> None:
    """Each line of output that the page shows is printed; an ellipsis stands for anything."""
    printed = [" ".join(line.split()) for line in _run(demo, TUTORIAL, tmp_path).splitlines()]
    text = (PROJECT_ROOT / TUTORIAL).read_text()
    shown = re.findall(r"^```text\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [" ".join(line.split()) for block in shown for line in block.splitlines()]
    assert len(lines) >= 9
    for line in lines:
        pattern = re.escape(line).replace("…", ".*")
        assert any(re.search(pattern, found) for found in printed), (line, printed)


def test_the_readme_has_commands_for_each_kind_of_user() -> None:
    assert {"curl", "make dbt-dev", "eventmill backfill", "import access-log"} == {
        command
        for command in ("curl", "make dbt-dev", "eventmill backfill", "import access-log")
        if command in _scripts()["README.md"]
    }
