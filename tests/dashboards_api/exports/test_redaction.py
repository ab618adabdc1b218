"""A redacted file tells nobody who somebody is, and still how many they are."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.dashboards_api.exports.conftest import ask, made, make_all, row_of
from tests.dashboards_api.exports.events import FIRST, LAST, events, insert, raw
from tests.support import scalar

PEOPLE = (
    "actor_id", "anonymous_id", "visitor_id", "session_id", "user_id", "creator_id", "click_id",
)  # fmt: skip
PAGE = "https://market.example/a?x=anna#me"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) Chrome/126"
PERSON = {
    **dict.fromkeys(PEOPLE, "anna"),
    "page_url": PAGE, "landing_page": PAGE, "referrer": PAGE,
    "user_agent": CHROME,
    "event_type": "search_performed",
    "props_json": json.dumps(
        {"query": "anna", "results": 3, "engagement_ms": 5, "email": "anna@example.com"}
    ),
}  # fmt: skip


def rows_of(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.decode().split("\n")[:-1]]


@pytest.fixture
def people(connection: psycopg.Connection, folder: Path) -> None:
    first, second, third = events(3)
    other = {"visitor_id": "ben", "anonymous_id": "ben", "actor_id": None}
    insert(connection, first | PERSON, second | PERSON, third | PERSON | other)
    connection.execute(
        "insert into enrichment.user_agents"
        " (user_agent, device_type, browser, os, is_bot, parser_version)"
        " values (%s, 'desktop', 'Chrome', 'Linux', false, '1')",
        (CHROME,),
    )


@pytest.mark.usefixtures("people")
def test_nothing_that_names_somebody_is_in_it(connection: psycopg.Connection) -> None:
    for format_ in ("csv", "jsonl"):
        text = made(connection, format_, FIRST, LAST, personal=False).decode()
        for secret in ("anna", "ben", CHROME, "email"):
            assert secret not in text
    [row, *_] = rows_of(made(connection, "jsonl", FIRST, LAST, personal=False))
    assert row["page_url"] == row["landing_page"] == row["referrer"] == "https://market.example/a"
    assert row["user_agent"] == "desktop / Chrome / Linux"
    assert row["props_json"] == {"results": 3, "engagement_ms": 5}


@pytest.mark.usefixtures("people")
def test_people_can_be_counted_within_a_file_and_not_followed_to_another(
    connection: psycopg.Connection,
) -> None:
    one = rows_of(made(connection, "jsonl", FIRST, LAST, personal=False))
    two = rows_of(made(connection, "jsonl", FIRST, LAST, personal=False))
    assert one[0]["visitor_id"] == one[1]["visitor_id"] != one[2]["visitor_id"]
    assert len({row[name] for row in one[:2] for name in PEOPLE}) == 1
    assert one[2]["actor_id"] is None
    assert not {row["visitor_id"] for row in one} & {row["visitor_id"] for row in two}
    assert (
        scalar(connection, "select count(*) from ops.exports where pseudonym_key is not null") == 0
    )


@pytest.mark.usefixtures("folder")
def test_everything_else_is_as_it_was(connection: psycopg.Connection) -> None:
    insert(connection, *events(300))
    hidden = {*PEOPLE, "page_url", "landing_page", "referrer", "user_agent", "props_json"}
    found = rows_of(made(connection, "jsonl", FIRST, LAST, personal=False))
    times = ("occurred_at", "received_at", "sent_at", "created_at", "event_id")
    for row, expected in zip(found, raw(connection), strict=True):
        for name in expected.keys() - hidden - set(times):
            assert row[name] == expected[name], name
        for name in PEOPLE:
            assert (row[name] is None) == (expected[name] is None)
        assert row["event_id"] == str(expected["event_id"])


@pytest.mark.usefixtures("folder")
def test_the_key_exists_only_while_the_file_is_made(connection: psycopg.Connection) -> None:
    insert(connection, *events(3))
    export_id = ask(connection, "csv", FIRST, LAST, personal=False)
    assert len(row_of(connection, export_id)["pseudonym_key"]) == 32
    make_all()
    assert row_of(connection, export_id)["pseudonym_key"] is None
