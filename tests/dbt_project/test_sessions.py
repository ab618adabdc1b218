"""Sessions and their touches against plain loops, for random events."""

import json
from datetime import timedelta
from typing import Any

from tests.dbt_project import streams
from tests.dbt_project.sessions_by_hand import (
    moment,
    origin,
    sessions_of,
    simple_sessions,
    touches_of,
)
from tests.dbt_project.warehouse import Event, Warehouse

LAST = timedelta(days=streams.DAYS)
COLUMNS = (
    "client_session_id", "started_at", "ended_at", "duration_ms", "events", "page_views", "views",
    "clicks", "conversions", "revenue_cents", "engagement_ms", "is_engaged", "is_bounce",
    "is_logged_in", "source", "medium", "campaign", "last_source", "last_medium", "last_campaign",
    "entry_page", "exit_page", "browser",
)  # fmt: skip
TOUCHES = """
select visitor_id, touch_number, event_id, touched_at, source, medium, campaign, is_direct
from marts.touches
where visitor_id = any(%s)
"""
DIRECT = "(direct)"


def prop(event: Event, name: str) -> int:
    return int(json.loads(event.props).get(name, 0))


def by_hand(number: str | None, session: list[Event]) -> tuple[Any, ...]:
    """COLUMNS of a session."""
    kinds = [event.event_type for event in session]
    views, conversions = kinds.count("asset_viewed"), kinds.count("license_created")
    pages = [event.page_url for event in session if event.page_url is not None]
    duration = (moment(session[-1]) - moment(session[0])) / timedelta(milliseconds=1)
    engagement = sum(prop(event, "engagement_ms") for event in session)
    engaged = (
        round(duration) > 10_000
        or engagement > 10_000
        or conversions > 0
        or views >= 2
        or kinds.count("page_viewed") >= 2
    )
    return (
        number,
        moment(session[0]),
        moment(session[-1]),
        round(duration),
        len(session),
        kinds.count("page_viewed"),
        views,
        kinds.count("asset_downloaded"),
        conversions,
        sum(
            prop(event, "revenue_cents")
            for event in session
            if json.loads(event.props).get("currency") == "USD"
        ),
        engagement,
        engaged,
        not engaged,
        any(event.actor_id is not None for event in session),
        *origin(session[0]),
        *origin(touches_of(session)[-1]),
        pages[0] if pages else None,
        pages[-1] if pages else None,
        None,
    )


@streams.few_builds
def test_sessions_are_what_plain_loops_say(warehouse: Warehouse, seed: int) -> None:
    day, visitors, _ = streams.built(warehouse, seed)
    found = warehouse.rows(
        f"select visitor_id, {', '.join(COLUMNS)} from marts.sessions"
        " where started_at >= %s and started_at < %s order by visitor_id, started_at, session_id",
        day,
        day + LAST,
    )
    assert sorted(found, key=repr) == sorted(
        (
            (visitor, *by_hand(number, session))
            for visitor, events in visitors.items()
            for number, session in sessions_of(events)
        ),
        key=repr,
    )
    expected: list[tuple[Any, ...]] = []
    for visitor, events in visitors.items():
        sessions = [session for _, session in sessions_of(events)]
        check_rules(events, sessions)
        expected += [
            (visitor, n, touch.event_id, moment(touch), *origin(touch), origin(touch)[0] == DIRECT)
            for session in sessions
            for n, touch in enumerate(touches_of(session), start=1)
        ]
    touches = warehouse.rows(TOUCHES, list(visitors))
    assert sorted(touches, key=_place) == sorted(expected, key=_place)


def _place(touch: tuple[Any, ...]) -> tuple[Any, ...]:
    """Of a row of TOUCHES: visitor, moment, event."""
    return touch[0], touch[3], touch[2]


def check_rules(events: list[Event], sessions: list[list[Event]]) -> None:
    """The loops themselves against what must hold whatever the rules are written like."""
    placed = [event.event_id for session in sessions for event in session]
    assert sorted(placed) == sorted(event.event_id for event in events)
    for session in sessions:
        days = {event.day for event in session}
        assert max(days) - min(days) <= timedelta(days=1)
    if len({event.session_id is None for event in events}) == 1:
        for run in simple_sessions(events):
            if max(e.day for e in run) - min(e.day for e in run) <= timedelta(days=1):
                assert run in sessions
