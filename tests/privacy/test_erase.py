"""A person is erased: no table knows them any more, and all numbers are as if they never were."""

import psycopg
import pytest

from eventmill.days import ONE_DAY
from tests.dbt_project.warehouse import Warehouse
from tests.privacy.support import (
    ANN,
    ANNS_ASSET,
    BOB,
    DAY,
    DEVICES,
    PEOPLE,
    add_ann,
    add_mentions,
    add_others,
    erase_now,
    places,
)
from tests.support import rows, scalar

LAST = DAY + 3 * ONE_DAY
ONLY_MODELS = ("--exclude-resource-type", "test", "unit_test")


@pytest.fixture
def built(warehouse: Warehouse, connection: psycopg.Connection) -> Warehouse:
    """Ann and others, all their days built."""
    add_others(connection)
    add_ann(connection)
    add_mentions(connection)
    warehouse.build(DAY, LAST, *ONLY_MODELS)
    return warehouse


def test_no_table_knows_the_person_any_more(
    built: Warehouse, connection: psycopg.Connection
) -> None:
    tables = {table for table, _ in places(connection, PEOPLE)}
    assert {"raw.events", "raw.identities", "marts.attribution", "marts.sessions"} < tables
    certificate = erase_now(built.url, DEVICES[1])
    assert places(connection, PEOPLE) == []
    print(certificate)
