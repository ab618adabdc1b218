"""The views and functions of the schema `rules`, against the same rules in plain Python."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.types.json import Jsonb

from eventmill.core.database import connect
from eventmill.core.trust import Trust
from tests.core.rules_by_hand import (
    DAY,
    DAYS,
    TYPES,
    UNREADABLE,
    Event,
    by_hand,
    moment,
)  # fmt: skip
from tests.support import rows, scalar


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    def some(*values: Any) -> Any:
        return draw(st.sampled_from([*values, None]))

    bound = st.one_of(st.none(), st.sampled_from(DAYS).map(str), st.sampled_from(UNREADABLE))
    events = []
    for number in draw(st.permutations(range(draw(st.integers(1, 14))))):
        said = {"starts_on": draw(bound), "ends_on": draw(bound)}
        said |= {
            "title": some("One", "Two"),
            "name": some("Three"),
            "asset_type": some("photo", "clip"),
        }
        events.append(
            Event(
                number=number,
                event_type=draw(st.sampled_from(TYPES)),
                occurred_at=moment(
                    draw(st.sampled_from(DAYS[2:-2])), draw(st.sampled_from([0, 23]))
                ),
                received_at=moment(DAY, draw(st.integers(0, 2))),
                actor_type=(actor := some("creator", "creator", "brand", "admin", "system")),
                actor_id=actor and draw(st.sampled_from(["ana", "ben"])),
                creator_id=some("ana", "cem"),
                brand_id=some("acme", "umbra"),
                project_id=some("p1", "p2"),
                ip_asset_id=some("a1", "a2"),
                license_id=some("l1", "l2"),
                trust=draw(st.sampled_from(Trust)),
                props={name: value for name, value in said.items() if value is not None},
            )
        )
    return events


INSERT = """
insert into raw.events (
    event_id, event_type, occurred_at, received_at, visitor_id, actor_type, actor_id, creator_id,
    brand_id, project_id, ip_asset_id, license_id, props_json, trust
)
values (%s, %s, %s, %s, 'v', %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def store(connection: psycopg.Connection, events: list[Event]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(INSERT, [
            (
                UUID(int=e.number), e.event_type, e.occurred_at, e.received_at, e.actor_type,
                e.actor_id, e.creator_id, e.brand_id, e.project_id, e.ip_asset_id, e.license_id,
                Jsonb(e.props), e.trust.value,
            )
            for e in events
        ])  # fmt: skip


@pytest.fixture(scope="module")
def with_rules(module_database: str) -> Iterator[psycopg.Connection]:
    """A connection to a database that holds whatever a test stores in it."""
    with connect(module_database, autocommit=True) as connection:
        connection.execute("set timezone = 'UTC'")
        for day in DAYS:
            connection.execute("select raw.ensure_partition(%s)", (day,))
        yield connection


@given(stream=streams(), chance=st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_whatever_the_stream_the_views_say_what_the_rules_say(
    with_rules: psycopg.Connection, stream: list[Event], chance: random.Random
) -> None:
    """Late, out of order, with bad dates, and some events corrected: deleted and sent anew."""
    connection = with_rules
    connection.execute("truncate raw.events")
    wrong = [e for e in stream if chance.random() < 0.2]
    # If these counted they would decide, since they came before all others.
    early = timedelta(days=1)
    store(
        connection,
        [replace(e, number=e.number + 100, received_at=e.received_at - early) for e in wrong],
    )
    store(connection, [e for e in stream if e not in wrong])
    connection.execute(
        "delete from raw.events where event_id = any(%s)",
        ([UUID(int=e.number + 100) for e in wrong],),
    )
    store(connection, wrong)
    for name, expected in by_hand(stream).items():
        found = rows(connection, QUERIES[name])
        assert sorted(found, key=repr) == sorted(expected, key=repr), name


QUERIES = {
    "creators of assets": "select ip_asset_id, creator_id from rules.asset_creators",
    "brands of projects": "select project_id, brand_id from rules.project_brands",
    "assets": "select ip_asset_id, creator_id, title, asset_type, status from rules.assets",
    "projects": "select project_id, brand_id, name, status from rules.projects",
    "licenses": "select license_id, ip_asset_id, project_id, brand_id, status from rules.licenses",
    "held": f"""
        select license_id, ip_asset_id, brand_id, day::date
        from rules.license_periods
        inner join generate_series('{DAYS[0]}'::date, '{DAYS[-1]}'::date, '1 day') as day
            on days @> day::date
    """,
    "active": "select creator_id, first_active_at, last_active_at from rules.creators",
}


CASES = yaml.safe_load((Path(__file__).parent / "rules.yml").read_text())
PROPS = ("title", "asset_type", "license_type", "territory", "starts_on", "ends_on")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_view_by_example(with_rules: psycopg.Connection, case: dict[str, Any]) -> None:
    with_rules.execute("truncate raw.events")
    for number, event in enumerate(case["events"]):
        props = {name: event.pop(name) for name in PROPS if name in event}
        row = {
            "event_id": UUID(int=number), "received_at": event["occurred_at"],
            **event, "props_json": Jsonb(props),
        }  # fmt: skip
        with_rules.execute(
            sql.SQL("insert into raw.lifecycle_events ({}) values ({})").format(
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(map(sql.Placeholder, row)),
            ),
            row,
        )
    columns = list(case["expect"][0])
    found = with_rules.execute(
        sql.SQL("select {} from {}").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(c)) for c in columns),
            sql.Identifier("rules", case["view"]),
        )
    ).fetchall()
    expected = [tuple(_text(row.get(column)) for column in columns) for row in case["expect"]]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-29", "2024-02-29"), ("9999-12-31", "9999-12-31"), ("2000-02-29", "2000-02-29"),
        (None, None), ("2023-02-29", None), ("1900-02-29", None), ("2023-13-01", None),
        ("2023-00-10", None), ("2023-04-31", None), ("0000-01-01", None), ("tomorrow", None),
        ("20240101", None), ("", None), ("2024-01-01\n", None), ("2024-1-1", None),
        ("0001-01-01", "0001-01-01"), ("٢٠٢٤-٠١-٠١", None),
    ],
)  # fmt: skip
def test_what_is_no_date_is_null_and_no_error(
    with_rules: psycopg.Connection, text: str | None, expected: str | None
) -> None:
    found = scalar(with_rules, "select rules.iso_date(%s)::text", text)
    assert found == expected


@given(day=st.dates(date(1, 1, 1), date(9999, 12, 31)))
@settings(max_examples=100, deadline=None)
def test_every_day_of_the_calendar_is_a_date(with_rules: psycopg.Connection, day: date) -> None:
    assert scalar(with_rules, "select rules.iso_date(%s)", day.isoformat()) == day


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (" Mail ", "mail"), ("", None), ("  ", None), ("(NOT SET)", None), (" (not set) ", None),
        ("İstanbul", "İstanbul"), ("\tx", "\tx"), ("ÀÉ", "ÀÉ"), ("a  b", "a  b"), (None, None),
        ("\u00a0x", "\u00a0x"),
    ],
)  # fmt: skip
def test_tags_are_cleaned(
    with_rules: psycopg.Connection, tag: str | None, expected: str | None
) -> None:
    assert scalar(with_rules, "select rules.clean_tag(%s)", tag) == expected


@pytest.mark.parametrize(
    "call",
    [
        "rules.iso_date(page_url)",
        "rules.clean_tag(page_url)",
        "rules.may_claim(trust, actor_type, 'admin')",
    ],
)
def test_functions_are_part_of_the_query_that_calls_them(
    with_rules: psycopg.Connection, call: str
) -> None:
    """PostgreSQL does not call them for each event, it inlines them."""
    plan = rows(with_rules, f"explain (verbose) select {call} from raw.events")
    assert not [line for (line,) in plan if "rules." in line]


@pytest.mark.parametrize(
    ("view", "column", "thing", "indexes"),
    [
        ("asset_creators", "ip_asset_id", "a", {"claimed_asset", "corrected_asset"}),
        ("project_brands", "project_id", "p", {"claimed_project", "corrected_project"}),
    ],
)
def test_an_owner_is_looked_up_in_the_order_in_which_claims_count(
    with_rules: psycopg.Connection, view: str, column: str, thing: str, indexes: set[str]
) -> None:
    with with_rules.transaction(force_rollback=True):
        with_rules.execute("set local enable_seqscan = off; set local enable_bitmapscan = off")
        plan = rows(with_rules, f"explain select * from rules.{view} where {column} = '{thing}'")
    text = "\n".join(line for (line,) in plan)
    assert {name for name in indexes if f"lifecycle_events_{name}" in text} == indexes
    assert text.count("Sort  (") <= 1, "of the distinct pairs only"


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_the_dashboards_role_may_ask(with_rules: psycopg.Connection, name: str) -> None:
    with with_rules.transaction(force_rollback=True):
        with_rules.execute("set local role eventmill_reader")
        rows(with_rules, QUERIES[name])
        rows(
            with_rules, "select rules.clean_tag('x'), rules.iso_date('x'), rules.lifecycle_types()"
        )
