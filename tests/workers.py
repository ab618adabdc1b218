"""How the suite is shared out among workers (pytest-xdist): what stays together, what goes first.

Each worker is a process with a PostgreSQL, a home and a dbt manifest of its own, so what costs much
to set up for a session is set up in one worker only.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Folders whose tests share something that takes long to set up: all of them go to one worker.
TOGETHER = (
    "tests/e2e", "tests/dbt_project/parity", "tests/dbt_project", "tests/dashboards_api/worlds",
    "tests/privacy", "tests/clients",
)  # fmt: skip
# What takes longest, begun first: whoever is ready early then has short files left to take.
FIRST = ("tests/e2e", "tests/dbt_project")


def unit(nodeid: str) -> str:
    """What of the suite this test is handed out with: its folder, or its file."""
    file = nodeid.split("::", 1)[0]
    return next((folder for folder in TOGETHER if file.startswith(f"{folder}/")), file)


def _rank(item: pytest.Item) -> int:
    name = unit(item.nodeid)
    return FIRST.index(name) if name in FIRST else len(FIRST)


class Units(LoadScopeScheduling):
    """Hands units out in the order of the collection, each as a whole."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Units | None:
    return Units(config, log) if config.option.dist == "loadscope" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=_rank)
