"""A token takes nobody's asset or project, and changes the state of its user's own things only."""

from typing import Any

import httpx
import psycopg
import pytest

from eventmill.core.database import connect
from eventmill.core.tokens import Caller, issue
from tests.attacks.conftest import Sends, sender
from tests.ingest_api.support import event, statuses, with_key
from tests.support import rows

ANA, MALLORY = Caller("ana", "creator"), Caller("mallory", "creator")
ACME, RIVAL = Caller("kim", "brand", "acme"), Caller("eve", "brand", "rival")
ADMIN = Caller("root", "admin")


@pytest.fixture(scope="module")
def login(shared_api: httpx.Client) -> Any:
    """Who sends with the token of a caller and no key."""

    def as_user(caller: Caller) -> Sends:
        return sender(shared_api, {"Authorization": f"Bearer {issue(caller)}", **with_key(None)})

    return as_user


def said(event_type: str, **fields: Any) -> dict[str, Any]:
    return event(event_type=event_type, anonymous_id=None, **fields)


def of_server(event_type: str, **fields: Any) -> dict[str, Any]:
    return said(event_type, actor_type="system", actor_id="app", **fields)


def creators(connection: psycopg.Connection, asset: str) -> list[tuple[Any, ...]]:
    query = "select creator_id from rules.asset_creators where ip_asset_id = %s"
    return rows(connection, query, asset)


def project(connection: psycopg.Connection, project_id: str) -> list[tuple[Any, ...]]:
    query = "select brand_id, name, status from rules.projects where project_id = %s"
    return rows(connection, query, project_id)


@pytest.mark.parametrize("is_first", [True, False])
def test_an_asset_is_whose_the_server_says(
    our_server: Sends, login: Any, shared_connection: psycopg.Connection, *, is_first: bool
) -> None:
    asset = f"asset-{is_first}"
    forged = said("asset_uploaded", ip_asset_id=asset, props={"title": "Mine"})
    true = of_server("asset_uploaded", ip_asset_id=asset, creator_id="ana")
    calls = [lambda: login(MALLORY)(forged), lambda: our_server(true)]
    for call in calls if is_first else calls[::-1]:
        assert statuses(call()) == ["accepted"]
    assert creators(shared_connection, asset) == [("ana",)]
    title = "select title from rules.assets where ip_asset_id = %s"
    assert rows(shared_connection, title, asset) == [(None,)], "not the forged one"


@pytest.mark.parametrize("is_first", [True, False])
def test_a_project_is_whose_the_server_says(
    our_server: Sends, login: Any, shared_connection: psycopg.Connection, *, is_first: bool
) -> None:
    name = f"project-{is_first}"
    forged = said("project_created", project_id=name, props={"name": "Mine"})
    true = of_server("project_created", project_id=name, brand_id="acme")
    calls = [lambda: login(RIVAL)(forged), lambda: our_server(true)]
    for call in calls if is_first else calls[::-1]:
        assert statuses(call()) == ["accepted"]
    assert project(shared_connection, name) == [("acme", None, "created")]


def test_of_users_the_first_owns_it(login: Any, shared_connection: psycopg.Connection) -> None:
    """Nobody takes a thing over by naming it again."""
    for caller in (ANA, MALLORY):
        login(caller)(said("asset_uploaded", ip_asset_id="theirs", props={"title": caller.sub}))
    assert creators(shared_connection, "theirs") == [("ana",)]
    title = "select title from rules.assets where ip_asset_id = 'theirs'"
    assert rows(shared_connection, title) == [("ana",)]


def test_only_its_owner_changes_a_projects_state(
    our_server: Sends, login: Any, shared_connection: psycopg.Connection
) -> None:
    """What others say is stored and without effect: who owns it may be learnt later."""
    later = {"project_id": "run", "occurred_at": "2015-05-18T12:00:00Z"}
    for caller in (RIVAL, MALLORY):
        spoofed = {} if caller is RIVAL else {"brand_id": "acme"}
        assert statuses(login(caller)(said("project_archived", **later, **spoofed))) == ["accepted"]
    assert project(shared_connection, "run") == [], "nor is there a project by their word"
    our_server(of_server("project_created", project_id="run", brand_id="acme"))
    assert project(shared_connection, "run") == [("acme", None, "created")]
    history = "select status from rules.project_history where project_id = 'run'"
    assert rows(shared_connection, history) == [("created",)]
    login(ACME)(said("project_completed", **later))
    assert project(shared_connection, "run") == [("acme", None, "completed")]


def test_corrections_are_of_servers_and_admins(
    our_server: Sends, stranger: Sends, login: Any, shared_connection: psycopg.Connection
) -> None:
    """The last one counts, and a server's before an admin's. The day of each is built again."""
    our_server(of_server("asset_uploaded", ip_asset_id="wrong", creator_id="ben"))
    our_server(of_server("project_created", project_id="wrong", brand_id="umbra"))

    def corrected(owner: str, **fields: Any) -> dict[str, Any]:
        return event(
            event_type="ownership_corrected", anonymous_id=None, ip_asset_id="wrong",
            creator_id=owner, **fields,
        )  # fmt: skip

    for sends in (stranger, login(MALLORY), login(RIVAL)):
        assert statuses(sends(corrected("mallory"))) == ["rejected"]
    assert creators(shared_connection, "wrong") == [("ben",)]
    shared_connection.execute("delete from raw.touched_days")
    assert statuses(login(ADMIN)(corrected("ana"))) == ["accepted"]
    assert creators(shared_connection, "wrong") == [("ana",)]
    assert rows(shared_connection, "select day::text from raw.touched_days") == [("2015-05-17",)]
    for owner in ("cem", "dora"):
        assert statuses(our_server(corrected(owner))) == ["accepted"]
        assert creators(shared_connection, "wrong") == [(owner,)]
    assert statuses(login(ADMIN)(corrected("ana"))) == ["accepted"]
    assert creators(shared_connection, "wrong") == [("dora",)]
    brand = {"ip_asset_id": None, "project_id": "wrong", "brand_id": "acme"}
    assert statuses(our_server(corrected("ana") | brand)) == ["accepted"]
    assert project(shared_connection, "wrong") == [("acme", None, "created")]


def test_kept_answers_are_forgotten_after_a_correction(
    our_server: Sends, shared_connection: psycopg.Connection, module_database: str
) -> None:
    """The owner who was is in no field of the event."""
    with connect(module_database, autocommit=True) as listening:
        listening.execute("listen eventmill_changes")
        our_server(of_server("ownership_corrected", ip_asset_id="told", creator_id="ana"))
        told = [notice.payload for notice in listening.notifies(timeout=5, stop_after=2)]
    assert '{"everything": true}' in told
