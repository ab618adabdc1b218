"""The calls about people: all that is held, the erasure, its certificate, and what is recorded."""

import logging
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from fastapi.testclient import TestClient
from httpx import Response

from eventmill.core.tokens import Caller, issue
from tests.dashboards_api.conftest import Get, build
from tests.dashboards_api.support import Event, at, insert
from tests.privacy.support import ANN, BOB, DAY, DEVICES
from tests.support import rows

ROOT = Caller("root", "admin")
SECTIONS = {
    "subject_id", "ids", "identities", "events", "attribution", "sessions", "conversions",
    "conversion_touches", "int_conversion_credits", "visitors", "lifecycle_events",
    "rejected_events", "exports",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _people(events: psycopg.Connection) -> None:
    """Ann on two devices, one day built, and Bob."""
    events.execute("truncate raw.events")
    events.execute("delete from raw.identities")
    device = {"anonymous_id": DEVICES[0], "visitor_id": DEVICES[0]}
    ann = {"actor_type": "creator", "actor_id": ANN, "visitor_id": ANN}
    insert(
        events,
        Event(event_type="asset_viewed", occurred_at=at(DAY), ip_asset_id="a", **device),
        Event(event_type="asset_uploaded", occurred_at=at(DAY), ip_asset_id="a", **ann),
        Event(event_type="asset_viewed", occurred_at=at(DAY), ip_asset_id="a", visitor_id=BOB),
    )
    events.execute("insert into raw.identities values (%s, %s, true, now())", (DEVICES[0], ANN))


def delete(client: TestClient, subject_id: str, caller: Caller = ROOT) -> Response:
    answer: Response = client.delete(
        f"/v1/subjects/{subject_id}", headers={"Authorization": f"Bearer {issue(caller)}"}
    )
    return answer


def test_everything_is_given(get: Get, events: psycopg.Connection) -> None:
    build(DAY, DAY)
    answer = get(f"/v1/subjects/{DEVICES[0]}")
    assert answer.headers["content-type"] == "application/json"
    held = answer.json()
    assert held.keys() >= SECTIONS
    assert (held["subject_id"], held["ids"]) == (DEVICES[0], sorted([ANN, DEVICES[0]]))
    assert [row["user_id"] for row in held["identities"]] == [ANN]
    stored = rows(events, "select to_jsonb(e) from raw.events as e where visitor_id <> %s", BOB)
    assert sorted(map(str, held["events"])) == sorted(str(row) for (row,) in stored)
    assert [row["visitor_id"] for row in held["attribution"]] == [ANN, ANN]
    assert [row["event_type"] for row in held["lifecycle_events"]] == ["asset_uploaded"]
    assert held["rejected_events"] == held["exports"] == []
    assert BOB not in answer.text


def test_nobody_is_not_found_and_is_erased_all_the_same(get: Get, client: TestClient) -> None:
    for unknown in ("nobody", "' or '1'='1", "%", "_", "ann/7", "\N{SNOWMAN}"):
        answer = get(f"/v1/subjects/{unknown}".replace("%", "%25"))
        assert (answer.status_code, answer.json()["detail"]) == (404, "nothing is held on this id")
        assert unknown not in answer.text or unknown in "_%"
    assert delete(client, "nobody").json()["removed"] == {}


@pytest.mark.parametrize("wrong", ["x" * 201, "a%00b", "%ED%A0%80" * 70])
def test_what_cannot_be_an_id_is_refused_without_repeating_it(
    get: Get, client: TestClient, wrong: str
) -> None:
    for answer in (get(f"/v1/subjects/{wrong}"), delete(client, wrong)):
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == ["subject_id"]
        assert wrong not in answer.text


def test_the_certificate_can_be_read_again(
    get: Get, client: TestClient, events: psycopg.Connection
) -> None:
    build(DAY, DAY)
    answer = delete(client, ANN)
    assert answer.status_code == 200, answer.text
    certificate = answer.json()
    assert ANN not in answer.text
    assert certificate["removed"]["raw.events"] == 2
    assert certificate["rebuild"] == {
        "state": "asked", "days": [str(DAY)], "waiting_days": [str(DAY)]
    }  # fmt: skip
    assert get(f"/v1/erasures/{certificate['erasure_id']}").json() == certificate
    # What a build does that succeeds.
    events.execute("delete from enrichment.replaced_days where day = %s", (DAY,))
    again = get(f"/v1/erasures/{certificate['erasure_id']}").json()
    assert again["rebuild"] == {"state": "built", "days": [str(DAY)], "waiting_days": []}
    assert get(f"/v1/subjects/{ANN}").status_code == 404
    assert get(f"/v1/erasures/{uuid4()}").status_code == 404
    assert get("/v1/erasures/1").status_code == 422


def test_both_are_recorded_by_a_hash_and_in_no_log(
    get: Get, client: TestClient, events: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    before = len(rows(events, "select 1 from ops.audit_log"))
    with caplog.at_level(logging.DEBUG):
        get(f"/v1/subjects/{ANN}")
        delete(client, ANN)
        get(f"/v1/subjects/{ANN}")
    recorded = rows(
        events,
        "select actor, action, detail, subject_hash = ops.subject_hash(%s)"
        " from ops.audit_log order by audit_id",
        ANN,
    )[before:]
    erased = recorded[1][2]
    assert recorded == [
        ("root", "subject.read", {"found": True}, True),
        ("root", "subject.erased", erased, True),
        ("root", "subject.read", {"found": False}, True),
    ]
    assert erased.keys() == {"erasure_id"}
    logged = [line for line in caplog.messages if not line.startswith(("HTTP Request", "load_"))]
    assert ANN not in str(logged)
    assert ANN not in str(rows(events, "select * from ops.audit_log"))


def test_an_erasure_that_fails_is_not_recorded(
    client: TestClient, events: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboards_api.privacy.service.BUILD_SECONDS", 0.1)
    before = rows(events, "select * from ops.audit_log")
    with events.transaction():
        events.execute("select pg_advisory_xact_lock(hashtextextended('eventmill.build', 0))")
        answer = delete(client, ANN)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert rows(events, "select * from ops.audit_log") == before
    assert rows(events, "select count(*) from raw.events") == [(3,)]


def test_exports_of_the_persons_days_are_removed(
    get: Get, client: TestClient, events: psycopg.Connection, tmp_path: Path
) -> None:
    for day in (DAY, DAY + timedelta(days=9)):
        events.execute(
            "insert into ops.exports (requested_by, format, first_day, last_day, storage, state,"
            " file_key, include_personal_data)"
            " values ('root', 'csv', %s, %s, %s, 'done', 'f', false)",
            (day, day, str(tmp_path)),
        )
    held = get(f"/v1/subjects/{ANN}").json()["exports"]
    assert [export["first_day"] for export in held] == [str(DAY)]
    assert delete(client, ANN).status_code == 200
    assert rows(events, "select state from ops.exports order by first_day") == [
        ("erased",), ("done",)
    ]  # fmt: skip
