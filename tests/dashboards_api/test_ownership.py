"""Who owns what, of random streams: the API says what the rule in plain Python says."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards_api import authorization
from dashboards_api.database import create_pool, snapshot
from eventmill.core.days import utc_today
from tests.dashboards_api.support import Event, at, insert

TODAY = utc_today()
LICENSE_TYPES = ("license_created", "license_renewed", "license_expired")
TYPES = ("asset_uploaded", "project_created", "license_signed", *LICENSE_TYPES)
UNREADABLE = ("soon", "2026-02-30", "")
CREATORS, BRANDS = ("ana", "ben"), ("acme", "umbra")
ASSETS, PROJECTS, LICENSES = ("a1", "a2"), ("p1", "p2"), ("l1", "l2", "l3")


def day_text(offset: int | None) -> str | None:
    return None if offset is None else str(TODAY + timedelta(days=offset))


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    def some(values: Sequence[Any], *, none: bool = True) -> Any:
        return draw(st.sampled_from([*values, None] if none else values))

    terms = st.one_of(st.none(), st.integers(-2, 2).map(day_text), st.sampled_from(UNREADABLE))
    events = []
    for number in range(draw(st.integers(1, 12))):
        bounds = {"starts_on": draw(terms), "ends_on": draw(terms)}
        events.append(
            Event(
                event_type=some(TYPES, none=False),
                occurred_at=at(TODAY + timedelta(days=draw(st.integers(-2, 1))), number % 3),
                received_at=at(TODAY, draw(st.integers(0, 2))),
                event_id=UUID(int=draw(st.integers(0, 2**20)) * 1000 + number),
                actor_type=(actor := some(("creator", "system"))),
                actor_id=actor and some(CREATORS, none=False),
                creator_id=some(CREATORS),
                brand_id=some(BRANDS),
                project_id=some(PROJECTS),
                ip_asset_id=some(ASSETS),
                license_id=some(LICENSES),
                props_json={name: text for name, text in bounds.items() if text is not None},
            )
        )
    return events


def first_to_say(values: list[tuple[Event, str | None]]) -> str | None:
    """The value of the event that arrived first, of those that have one."""
    said = [(e.received_at, e.event_id, value) for e, value in values if value is not None]
    return min(said)[2] if said else None


def creator_of(events: list[Event], asset: str) -> str | None:
    return first_to_say(
        [
            (e, e.actor_id if e.actor_type == "creator" else e.creator_id)
            for e in events
            if e.event_type == "asset_uploaded" and e.ip_asset_id == asset
        ]
    )


def brand_of(events: list[Event], project: str) -> str | None:
    return first_to_say(
        [
            (e, e.brand_id)
            for e in events
            if e.event_type == "project_created" and e.project_id == project
        ]
    )


def of_license(events: list[Event], license_id: str, name: str) -> str | None:
    about = [e for e in events if e.license_id == license_id and e.event_type.startswith("license")]
    created = [e for e in about if e.event_type == "license_created"]
    return first_to_say([(e, getattr(e, name)) for e in created]) or first_to_say(
        [(e, getattr(e, name)) for e in about]
    )


def has_license(events: list[Event], brand: str, asset: str) -> bool:
    named = [
        e
        for e in events
        if e.event_type in LICENSE_TYPES and e.brand_id == brand and e.ip_asset_id == asset
    ]
    own = {e.license_id for e in named if e.event_type == "license_created" and e.license_id}
    later = [e for e in events if e.event_type in LICENSE_TYPES[1:] and e.license_id in own]
    about = named + later
    ends = [e for e in about if e.event_type == "license_expired" and e.day <= TODAY]
    return any(
        holds(term.props_json)
        and not any(
            end.license_id in (None, term.license_id) and end.occurred_at >= term.occurred_at
            for end in ends
        )
        for term in about
        if term.event_type != "license_expired"
    )


def holds(term: dict[str, Any]) -> bool:
    bounds = [term.get("starts_on"), term.get("ends_on")]
    if set(bounds) & set(UNREADABLE):
        return False
    first, last = (date.fromisoformat(text) if text else None for text in bounds)
    return (first is None or first <= TODAY) and (last is None or last >= TODAY)


Facts = dict[str, Any]


def by_hand(events: list[Event]) -> Facts:
    return {
        "creators": {asset: creator_of(events, asset) for asset in ASSETS},
        "assets": {c: [a for a in ASSETS if creator_of(events, a) == c] for c in CREATORS},
        "projects": {b: [p for p in PROJECTS if brand_of(events, p) == b] for b in BRANDS},
        "licenses": {
            b: [n for n in LICENSES if of_license(events, n, "brand_id") == b] for b in BRANDS
        },
        "licensed": {b: [a for a in ASSETS if has_license(events, b, a)] for b in BRANDS},
    }


async def by_the_api(url: str) -> Facts:
    async with create_pool(url) as pool, snapshot(pool) as connection:
        return {
            "creators": {
                asset: await authorization.creator_of_asset(connection, asset) for asset in ASSETS
            },
            "assets": {
                creator: await authorization.assets_of_creator(connection, creator)
                for creator in CREATORS
            },
            "projects": {
                brand: await authorization.projects_of_brand(connection, brand) for brand in BRANDS
            },
            "licenses": {
                brand: await authorization.licenses_of_brand(connection, brand) for brand in BRANDS
            },
            "licensed": {
                brand: await authorization.licensed_assets(connection, brand) for brand in BRANDS
            },
        }


@given(stream=streams())
@settings(max_examples=60, deadline=None)
def test_the_rule_in_plain_python(
    views_database: str, events: psycopg.Connection, stream: list[Event]
) -> None:
    events.execute("truncate raw.events")
    insert(events, *stream)
    assert asyncio.run(by_the_api(views_database)) == by_hand(stream)
