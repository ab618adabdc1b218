"""How the suite is shared out: what each test needs, what stays together, what goes first.

A test's markers follow from its fixtures. `pytest -m unit` runs what needs none of the systems in
NEEDS, and is the loop of `make check`. With `-n`, each worker is a process with a PostgreSQL, a
home and a dbt manifest of its own, so what costs much to set up for a session is set up in one
worker only.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

# Fixture → marker. Fixtures that are made from one of these bring its marker too.
NEEDS = {
    "server": "db",
    "chromium": "browser",
    "page": "browser",
    "_demos": "e2e",
    "processes": "process",
}
UNIT = "unit"

# Folders whose tests share something that takes long to set up: all of them go to one worker.
TOGETHER = (
    "tests/e2e", "tests/dbt_project/parity", "tests/dbt_project", "tests/dashboards_api/worlds",
    "tests/privacy", "tests/clients",
)  # fmt: skip
# What takes longest, begun first: whoever is ready early then has short files left to take.
FIRST = (
    "tests/e2e", "tests/dbt_project", "tests/orchestration/test_killed.py",
    "tests/tracker/test_faults.py",
)  # fmt: skip
MOST_WORKERS = 4


def markers(fixtures: Iterable[str]) -> set[str]:
    """The markers of a test that uses these fixtures, itself or through others."""
    return {NEEDS[name] for name in fixtures if name in NEEDS} or {UNIT}


def scope(nodeid: str) -> str:
    """What of the suite this test is handed out with: its folder, or its file."""
    file = nodeid.split("::", 1)[0]
    return next((folder for folder in TOGETHER if file.startswith(f"{folder}/")), file)


def _rank(item: pytest.Item) -> int:
    name = scope(item.nodeid)
    return FIRST.index(name) if name in FIRST else len(FIRST)


def pytest_xdist_auto_num_workers() -> int:
    """Two for a core: a third of the time, tests wait for a browser, a daemon or the database."""
    return min(2 * (os.cpu_count() or 1), MOST_WORKERS)


def pytest_xdist_make_scheduler(
    config: pytest.Config, log: "Producer"
) -> "LoadScopeScheduling | None":
    """Hands scopes out in the order of the collection, each as a whole."""
    from xdist.scheduler import LoadScopeScheduling

    class Scopes(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope(nodeid)

    return Scopes(config, log) if config.option.dist == "loadscope" else None


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for name in markers(getattr(item, "fixturenames", ())):
            item.add_marker(name)
    if hasattr(config, "workerinput"):
        items.sort(key=_rank)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A unit test that starts a process fails: the loop would get slow, one test at a time."""
    if UNIT not in item.keywords:
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", _refuse)
        return (yield)


# Not its teardown, which may end the session's server.
pytest_runtest_setup = pytest_runtest_call


def _refuse(self: subprocess.Popen[bytes], *arguments: object, **options: object) -> None:
    self._child_created = False  # type: ignore[attr-defined]  # what its __del__ asks first
    pytest.fail("a unit test starts a process: let it use the fixture `processes`")
