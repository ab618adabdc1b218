"""A stranger who knows the id of an event makes none of a server vanish, and takes no id away."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from eventmill.core.tokens import Caller, issue
from eventmill.core.trust import Trust
from ingest_api.event_ids import derived_id, normal_event_id
from tests.attacks.conftest import Sends, sender
from tests.ingest_api.support import NOON, event, new_key, statuses, with_key
from tests.support import rows, scalar

# The id as the server spells it, and as a stranger may who knows how texts become UUIDs.
SPELLINGS = ("itself", "its UUIDv5", "its UUIDv5 in the stranger's own namespace")


def sale(event_id: str, **fields: Any) -> dict[str, Any]:
    return event(
        event_id=event_id, event_type="license_created", occurred_at=NOON,
        license_id=event_id, props={"revenue_cents": 100}, **fields,
    )  # fmt: skip


def stored(connection: psycopg.Connection, session_id: str) -> list[tuple[Any, ...]]:
    """Type, id and class of what was stored of a test."""
    return rows(
        connection,
        "select event_type, event_id::text, trust from raw.events where session_id = %s"
        " order by trust desc, event_type",
        session_id,
    )


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_paid_event_does_not_vanish_behind_a_text(
    our_server: Sends, stranger: Sends, shared_connection: psycopg.Connection,
    spelling: str, *, is_first: bool,
) -> None:  # fmt: skip
    name = f"order-{spelling}-{is_first}"
    mapped = normal_event_id(name, Trust.SECRET)
    tried = dict(zip(SPELLINGS, (name, mapped, derived_id(name, Trust.PUBLISHABLE)), strict=True))
    forged = event(event_id=tried[spelling], session_id=name)
    calls = [lambda: stranger(forged), lambda: our_server(sale(name, session_id=name))]
    answers = [call() for call in (calls if is_first else reversed(calls))]
    assert [statuses(answer) for answer in answers] == [["accepted"]] * 2
    paid, seen = stored(shared_connection, name)
    assert paid == ("license_created", mapped, Trust.SECRET)
    assert seen[0] == "page_viewed"
    assert seen[1] != mapped


@pytest.mark.parametrize("is_first", [True, False])
def test_the_more_trusted_has_the_uuid_whoever_came_first(
    our_server: Sends, stranger: Sends, shared_connection: psycopg.Connection, *, is_first: bool
) -> None:
    """And retries of each are duplicates, whatever id their event has by then."""
    known = str(uuid.uuid4())
    forged, true = event(event_id=known, session_id=known), sale(known, session_id=known)
    calls = [lambda: stranger(forged), lambda: our_server(true)]
    calls = calls if is_first else calls[::-1]
    answers = [call() for call in (*calls, *calls)]
    assert [statuses(answer)[0] for answer in answers] == ["accepted"] * 2 + ["duplicate"] * 2
    assert not [a for a in answers if "warnings" in a["results"][0]]
    paid, seen = stored(shared_connection, known)
    assert paid == ("license_created", known, Trust.SECRET)
    assert seen == ("page_viewed", derived_id(known, Trust.PUBLISHABLE), Trust.PUBLISHABLE)
    assert seen[1] in {answer["results"][0]["event_id"] for answer in answers}
    assert scalar(
        shared_connection, "select count(*) from raw.lifecycle_events where event_id = %s", known
    ), "the server's event is where the rules look for it"


def test_a_derived_id_that_is_taken_before_holds_nobody_up(
    our_server: Sends, stranger: Sends, shared_connection: psycopg.Connection
) -> None:
    """One who is ready for the way out as well: a UUID and what it would give way to."""
    known = str(uuid.uuid4())
    way_out = derived_id(known, Trust.PUBLISHABLE)
    for forged in (known, way_out):
        stranger(event(event_id=forged, session_id=known))
    our_server(sale(way_out, session_id=known))
    assert statuses(our_server(sale(known, session_id=known))) == ["accepted"]
    found = stored(shared_connection, known)
    assert {event_id for _, event_id, trust in found if trust == Trust.SECRET} == {known, way_out}
    assert len(found) == len({event_id for _, event_id, _ in found}) == 4


def test_three_classes_and_one_uuid_at_the_same_time(
    our_server: Sends, stranger: Sends, shared_api: httpx.Client,
    shared_connection: psycopg.Connection,
) -> None:  # fmt: skip
    """Sent together, again and again: one event of each class, each under an id of its own."""
    token = issue(Caller("u-1", "creator"))
    user = sender(shared_api, {"Authorization": f"Bearer {token}", **with_key(None)})
    ids = [str(uuid.uuid4()) for _ in range(20)]
    sent = [event(event_id=one, session_id="race", anonymous_id=None) for one in ids]
    with ThreadPoolExecutor(9) as threads:
        answers = list(threads.map(lambda one: one(*sent), (stranger, user, our_server) * 3))
    assert sum(answer["accepted"] for answer in answers) == 60
    assert sum(answer["duplicate"] for answer in answers) == 120
    found = stored(shared_connection, "race")
    assert len({event_id for _, event_id, _ in found}) == len(found) == 60
    assert {event_id for _, event_id, trust in found if trust == Trust.SECRET} == set(ids)
    touched = scalar(shared_connection, "select count(*) from raw.touched_days")
    assert touched, "a day whose events got other ids is built again"


def test_a_rotated_key_is_the_same_class(
    our_server: Sends, shared_api: httpx.Client, shared_connection: psycopg.Connection
) -> None:
    rotated = sender(shared_api, with_key(new_key("secret")))
    assert statuses(our_server(sale("rotated"))) == ["accepted"]
    assert statuses(rotated(sale("rotated"))) == ["duplicate"]


def test_another_event_with_the_same_id_is_named_and_counted(
    our_server: Sends, shared_api: httpx.Client
) -> None:
    first = sale("two", project_id="p", context={"utm": {"source": "a"}})
    again = {**first, "sent_at": None, "occurred_at": "2015-05-17T14:00:00+02:00"}
    other = sale("two", project_id="q", context={"utm": {"source": "b"}}) | {
        "occurred_at": "2015-05-18T12:00:00Z", "props": {"revenue_cents": 200},
    }  # fmt: skip
    counted = "eventmill_ingest_differing_duplicates_total"
    before = _metric(shared_api, counted)
    answers = [our_server(one)["results"][0] for one in (first, again, other)]
    assert [answer["status"] for answer in answers] == ["accepted", "duplicate", "duplicate"]
    assert [answer.get("warnings") for answer in answers[:2]] == [None, None]
    assert {warning["field"] for warning in answers[2]["warnings"]} == {
        "project_id", "props", "context.utm", "occurred_at",
    }  # fmt: skip
    assert _metric(shared_api, counted) == before + 1


def test_a_retry_without_a_time_differs_in_nothing(our_server: Sends) -> None:
    """Its time is that of its receipt, which is another for each try."""
    sent = {"event_type": "page_viewed", "event_id": "no time", "anonymous_id": "a"}
    assert statuses(our_server(sent)) == ["accepted"]
    (again,) = our_server(sent)["results"]
    assert again["status"] == "duplicate"
    assert "warnings" not in again


def _metric(api: httpx.Client, name: str) -> float:
    lines = [line for line in api.get("/metrics").text.splitlines() if line.startswith(name)]
    return float(lines[0].split()[-1])
