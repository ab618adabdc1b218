"""An entity's raw events: whole, in order, in pages, and without anybody's traces."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards_api.entities.cursors import Cursor
from dashboards_api.entities.service import steps
from eventmill.core.days import ONE_DAY, utc_today
from eventmill.core.tokens import Caller
from tests.dashboards_api.conftest import Get, build
from tests.dashboards_api.support import CHROME, GOOGLEBOT, Event, at, insert
from tests.support import rows, scalar

TODAY = utc_today()
ANA = Caller("ana", "creator")
ACME = Caller("user-1", "brand", "acme")
ASSET = "/v1/entities/ip_asset/asset/events"
PERSONAL = {
    "visitor_id", "actor_id", "user_id", "anonymous_id", "session_id", "user_agent", "referrer",
    "page_url", "landing_page", "click_id", "received_at", "sent_at", "created_at",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_events(events: psycopg.Connection) -> None:
    events.execute("truncate raw.events")


def viewed(occurred_at: datetime, **values: Any) -> Event:
    return Event(
        **{
            "event_type": "asset_viewed",
            "ip_asset_id": "asset",
            "occurred_at": occurred_at,
            **values,
        }
    )


def pages(get: Get, path: str, caller: Caller | None = None, **asked: object) -> list[list[Any]]:
    """All pages, each as its event ids."""
    found = []
    answer = get(path, caller, **asked).json()
    while True:
        found.append([event["event_id"] for event in answer["events"]])
        if answer["next_cursor"] is None:
            return found
        answer = get(path, caller, **{**asked, "cursor": answer["next_cursor"]}).json()


def newest_first(stream: list[Event]) -> list[str]:
    ordered = sorted(stream, key=lambda event: (event.occurred_at, event.event_id), reverse=True)
    return [str(event.event_id) for event in ordered]


def sparse_stream() -> list[Event]:
    """Events of one moment, of neighbouring days, and years apart."""
    days = [0, 0, 1, 1, 1, 2, 40, 41, 200, 700]
    stream = [viewed(at(TODAY - timedelta(days=days), 0)) for days in days]
    return [*stream, viewed(at(TODAY - ONE_DAY, 24) - timedelta(microseconds=1))]


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 11, 500])
@pytest.mark.parametrize("column", ["ip_asset_id", "project_id", "license_id"])
def test_every_event_comes_once_newest_first(
    events: psycopg.Connection, get: Get, column: str, limit: int
) -> None:
    own = {"ip_asset_id": None, column: "thing"}
    stream = [viewed(event.occurred_at, **own) for event in sparse_stream()]
    insert(events, *stream, viewed(at(TODAY), **{**own, column: "thing2"}))
    path = f"/v1/entities/{column.removesuffix('_id')}/thing/events"
    found = pages(get, path, limit=limit)
    assert [event for page in found for event in page] == newest_first(stream)
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)


def test_pages_stay_while_events_arrive(events: psycopg.Connection, get: Get) -> None:
    stream = sparse_stream()
    insert(events, *stream)
    first = get(ASSET, limit=4).json()
    insert(events, viewed(datetime.now(UTC)), viewed(at(TODAY - ONE_DAY, 23.9)))
    later = pages(get, ASSET, limit=4, cursor=first["next_cursor"])
    shown = [event["event_id"] for event in first["events"]] + [e for page in later for e in page]
    assert set(newest_first(stream)) <= set(shown)
    assert len(shown) == len(set(shown))


def test_filters(events: psycopg.Connection, get: Get) -> None:
    stream = sparse_stream()
    clicked = viewed(at(TODAY - timedelta(days=40)), event_type="license_clicked")
    insert(events, *stream, clicked)
    assert pages(get, ASSET, event_type="license_clicked") == [[str(clicked.event_id)]]
    assert pages(get, ASSET, event_type="a_type_of_nobody") == [[]]
    first, last = TODAY - timedelta(days=41), TODAY - timedelta(days=1)
    within = [event for event in [*stream, clicked] if first <= event.day <= last]
    assert pages(get, ASSET, start=first, end=last) == [newest_first(within)]
    before = [event for event in [*stream, clicked] if event.day < first]
    assert pages(get, ASSET, end=first - ONE_DAY, limit=500) == [newest_first(before)]


def test_an_events_type_of_a_lifecycle_is_looked_up_by_day(
    events: psycopg.Connection, get: Get
) -> None:
    """By the days of raw.lifecycle_events, which must hold each of these types."""
    types = scalar(events, "select rules.lifecycle_types()")
    assert len(types) == 12
    for number, event_type in enumerate(types):
        stream = [
            viewed(at(TODAY - timedelta(days=number + ago)), event_type=event_type)
            for ago in (0, 0, 30)
        ]
        insert(events, *stream, viewed(at(TODAY - timedelta(days=number))))
        assert pages(get, ASSET, event_type=event_type) == [newest_first(stream)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limit", "0"), ("limit", "501"), ("limit", "many"),
        ("cursor", "x"), ("cursor", ""), ("cursor", "A" * 32), ("cursor", "é" * 32),
        ("cursor", "f" + "_" * 31), ("cursor", "A" * 1000),
        ("start", "2015-02-30"), ("event_type", "a\x00b"), ("event_type", "x" * 201),
        ("offset", "3"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named(get: Get, field: str, value: str) -> None:
    answer = get(ASSET, **{field: value})
    if value == "A" * 32:
        assert answer.status_code == 404  # a cursor, of 1970
    else:
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_the_end_is_not_before_the_start(get: Get) -> None:
    answer = get(ASSET, start="2015-05-20", end="2015-05-19")
    assert [error["field"] for error in answer.json()["errors"]] == ["end"]
    assert get("/v1/entities/visitor/somebody/events").status_code == 422


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_cursor_comes_back_as_it_was(moment: datetime, event_id: Any) -> None:
    cursor = Cursor(moment, event_id)
    assert Cursor.decode(cursor.encode()) == cursor


@given(st.sets(st.integers(0, 400), max_size=150))
def test_steps_read_each_day_once_and_few_at_a_time(numbers: set[int]) -> None:
    days = [TODAY - timedelta(days=number) for number in sorted(numbers)]
    read = [list(windows) for windows in steps(days)]
    assert sorted(day for windows in read for window in windows for day in window) == days[::-1]
    newest = [max(window.last for window in windows) for windows in read]
    assert newest == sorted(newest, reverse=True)
    assert all(sum(map(len, windows)) <= 64 for windows in read)


FULL: dict[str, Any] = {
    "actor_type": "user",
    "actor_id": "jane",
    "anonymous_id": "browser-1",
    "visitor_id": "jane",
    "brand_id": "a-visitors-employer",
    "creator_id": "somebody",
    "user_agent": CHROME,
    "referrer": "https://www.Blog.example/jane-doe?mail=jane@example.com",
    "utm_source": "newsletter",
    "props_json": {
        "engagement_ms": 7,
        "query": "jane@example.com",
        "title": {"name": "jane"},
        "amount_cents": 5,
        "note": "jane",
    },
}


def uploaded() -> Event:
    return viewed(
        at(TODAY - ONE_DAY), event_type="asset_uploaded", actor_type="creator", actor_id="ana"
    )


def test_a_creator_learns_what_happened_and_not_who_it_was(
    events: psycopg.Connection, get: Get
) -> None:
    insert(events, uploaded(), viewed(at(TODAY, 0), **FULL))
    answer = get(ASSET, ANA)
    [view, upload] = answer.json()["events"]
    assert "jane" not in answer.text
    assert "browser-1" not in answer.text
    assert "employer" not in answer.text
    assert not PERSONAL & view.keys()
    assert not PERSONAL & upload.keys()
    assert view["referrer_domain"] == "blog.example"
    assert view["utm_source"] == "newsletter"
    assert view["actor_type"] == "user"
    assert view["props"] == {"engagement_ms": 7, "amount_cents": 5}


def test_a_brand_does_not_learn_another_brands_business(
    events: psycopg.Connection, get: Get
) -> None:
    def licensed(brand: str, number: int) -> list[Event]:
        ids = {"brand_id": brand, "project_id": f"of {brand}"}
        return [
            viewed(at(TODAY, 0), event_type="project_created", ip_asset_id=None, **ids),
            viewed(
                at(TODAY, 0) + timedelta(microseconds=number), event_type="license_created",
                license_id=f"license of {brand}", props_json={"revenue_cents": 500}, **ids,
                utm_source="partner",
            ),
        ]  # fmt: skip

    insert(events, *licensed("acme", 1), *licensed("umbra", 2))
    answer = get(ASSET, ACME)
    [own] = answer.json()["events"]
    assert own["brand_id"] == "acme"
    assert own["props"] == {"revenue_cents": 500}
    assert own["utm_source"] == "partner"
    assert "umbra" not in answer.text


def test_an_admin_gets_everything_and_that_is_recorded(
    events: psycopg.Connection, get: Get
) -> None:
    view = viewed(at(TODAY, 0), **FULL)
    insert(events, view)
    get(ASSET, ANA)
    before = rows(events, "select count(*) from ops.audit_log")
    [shown] = get(ASSET, limit=7, event_type="asset_viewed").json()["events"]
    assert shown["visitor_id"] == "jane"
    assert shown["props"] == view.props_json
    assert shown["referrer"] == view.referrer
    assert shown.keys() >= PERSONAL
    *_, (actor, role, action, subject, detail) = rows(
        events,
        "select actor, actor_role, action, subject_hash, detail from ops.audit_log order by at",
    )
    assert rows(events, "select count(*) from ops.audit_log") == [(before[0][0] + 1,)]
    assert (actor, role, action, subject) == ("root", "admin", "events.read", None)
    assert detail == {
        "entity_type": "ip_asset", "entity_id": "asset", "event_type": "asset_viewed",
        "limit": 7, "events": 1,
        "from": view.occurred_at.isoformat(), "to": view.occurred_at.isoformat(),
    }  # fmt: skip


def test_without_the_log_an_admin_gets_nothing(events: psycopg.Connection, get: Get) -> None:
    insert(events, viewed(at(TODAY, 0)))
    events.execute("alter table ops.audit_log rename to away")
    try:
        assert get(ASSET).status_code == 503
    finally:
        events.execute("alter table ops.away rename to audit_log")
    assert get(ASSET).status_code == 200


def test_built_days_without_the_entity_are_not_read_and_late_events_are_found(
    events: psycopg.Connection, get: Get
) -> None:
    days = [TODAY - timedelta(days=number) for number in (3, 2, 1)]
    paths = {
        column: f"/v1/entities/{column.removesuffix('_id')}/thing/events"
        for column in ("ip_asset_id", "project_id", "license_id")
    }

    def of_each(day: date, thing: str, **values: Any) -> dict[str, Event]:
        """An event of the asset, one of the project and one of the license of that name."""
        return {
            column: viewed(at(day), **{"ip_asset_id": None, column: thing, **values})
            for column in paths
        }

    only_bots = of_each(days[0], "thing", user_agent=GOOGLEBOT)
    insert(events, *only_bots.values())
    for day in days:
        insert(events, *of_each(day, "other").values())
    build(days[0], days[-1])
    events.execute("delete from raw.touched_days")  # as the run that built them does
    for column, path in paths.items():
        assert pages(get, path) == [[str(only_bots[column].event_id)]]
    late, live = of_each(days[1], "thing"), of_each(TODAY, "thing")
    insert(events, *late.values(), *live.values())
    events.execute(
        "insert into raw.touched_days (day, writer, last_xid, events)"
        " values (%s, 1, pg_current_xact_id(), 3)",
        (days[1],),
    )
    for column, path in paths.items():
        stream = [only_bots[column], late[column], live[column]]
        assert pages(get, path) == [newest_first(stream)]
