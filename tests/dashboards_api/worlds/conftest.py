"""The API over two worlds that have nothing to do with each other, on a real port."""

from collections.abc import Iterator

import pytest

from dashboards_api.app import create_app
from eventmill.core.database import connect
from eventmill.runner.embedded import EmbeddedPostgres
from tests.dashboards_api.worlds.tenants import seed
from tests.databases import clone
from tests.support import environment, serving


@pytest.fixture(scope="package")
def url(server: EmbeddedPostgres, views_template: str) -> Iterator[str]:
    """Where it answers. What its tests make there takes nothing from the two worlds."""
    database = clone(server, "worlds", views_template)
    with environment(EVENTMILL_DATABASE_URL=database):
        with connect(database, autocommit=True) as connection:
            seed(connection)
        with serving(create_app()) as served:
            yield served
