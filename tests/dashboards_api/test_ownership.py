"""Who owns what, of random streams: the API, the rule in plain Python, and the dimensions agree."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards_api import authorization
from dashboards_api.database import create_pool, snapshot
from eventmill.core.days import utc_today
from tests.dashboards_api.conftest import dbt
from tests.dashboards_api.support import Event, at, insert
from tests.support import rows

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


async def by_the_api(url: str, prefix: str = "") -> Facts:
    """What the API says of the things whose ids begin with `prefix`."""
    creators, brands = prefixed(prefix, CREATORS), prefixed(prefix, BRANDS)
    async with create_pool(url) as pool, snapshot(pool) as connection:
        return {
            "creators": {
                asset: await authorization.creator_of_asset(connection, asset)
                for asset in prefixed(prefix, ASSETS)
            },
            "assets": {
                creator: await authorization.assets_of_creator(connection, creator)
                for creator in creators
            },
            "projects": {
                brand: await authorization.projects_of_brand(connection, brand) for brand in brands
            },
            "licenses": {
                brand: await authorization.licenses_of_brand(connection, brand) for brand in brands
            },
            "licensed": {
                brand: await authorization.licensed_assets(connection, brand) for brand in brands
            },
        }


def prefixed(prefix: str, names: Sequence[str]) -> list[str]:
    return [prefix + name for name in names]


@given(stream=streams())
@settings(max_examples=60, deadline=None)
def test_the_rule_in_plain_python(
    views_database: str, events: psycopg.Connection, stream: list[Event]
) -> None:
    events.execute("truncate raw.events")
    insert(events, *stream)
    assert asyncio.run(by_the_api(views_database)) == by_hand(stream)


def random_stream(prefix: str, seed: int, length: int) -> Iterator[Event]:
    source = random.Random(seed)

    def some(values: Sequence[Any], missing: float = 0.3) -> Any:
        return None if source.random() < missing else source.choice(values)

    for _ in range(length):
        bounds = {
            name: some([day_text(n) for n in range(-3, 4)] + list(UNREADABLE), 0.5)
            for name in ("starts_on", "ends_on")
        }
        actor = some(("creator", "system"))
        yield Event(
            event_type=source.choice(TYPES),
            occurred_at=at(TODAY + timedelta(days=source.randint(-4, 1)), source.randint(0, 2)),
            received_at=at(TODAY, source.random()),
            actor_type=actor,
            actor_id=actor and source.choice(prefixed(prefix, CREATORS)),
            creator_id=some(prefixed(prefix, CREATORS)),
            brand_id=some(prefixed(prefix, BRANDS)),
            project_id=some(prefixed(prefix, PROJECTS)),
            ip_asset_id=some(prefixed(prefix, ASSETS)),
            license_id=some(prefixed(prefix, LICENSES)),
            props_json={name: text for name, text in bounds.items() if text is not None},
        )


DIMENSIONS = ("dim_assets", "dim_projects", "dim_licenses", "dim_license_history")
STREAMS = 20


def test_the_dimensions(views_database: str, events: psycopg.Connection) -> None:
    """One build of many streams, each with things of its own."""
    events.execute("truncate raw.events")
    prefixes = [f"{number}-" for number in range(STREAMS)]
    for seed, prefix in enumerate(prefixes):
        insert(events, *random_stream(prefix, seed, 25))
    dbt("run", "--select", "int_lifecycle_events", *DIMENSIONS)
    for prefix in prefixes:
        assert asyncio.run(by_the_api(views_database, prefix)) == by_dimensions(events, prefix)


def by_dimensions(connection: psycopg.Connection, prefix: str) -> Facts:
    creators, brands = prefixed(prefix, CREATORS), prefixed(prefix, BRANDS)

    def owned(query: str, owners: Sequence[str]) -> dict[str, list[str]]:
        found = rows(connection, query)
        return {name: [thing for owner, thing in found if owner == name] for name in owners}

    said = dict(rows(connection, "select ip_asset_id, creator_id from marts.dim_assets"))
    return {
        "creators": {asset: said.get(asset) for asset in prefixed(prefix, ASSETS)},
        "assets": owned(
            "select creator_id, ip_asset_id from marts.dim_assets order by 2", creators
        ),
        "projects": owned("select brand_id, project_id from marts.dim_projects order by 2", brands),
        "licenses": owned("select brand_id, license_id from marts.dim_licenses order by 2", brands),
        "licensed": owned(
            "select distinct brand_id, ip_asset_id from marts.dim_license_history"
            f" where coalesce(valid_from, '-infinity') <= '{TODAY}'"
            f" and '{TODAY}' <= coalesce(valid_to, 'infinity') order by 2",
            brands,
        ),
    }


def test_a_moment_of_the_day_decides_nothing(
    events: psycopg.Connection, views_database: str
) -> None:
    """A term that ends today holds until midnight, and a license that ended today is over."""
    midnight = datetime.combine(TODAY, datetime.min.time(), tzinfo=at(TODAY).tzinfo)
    created = Event(
        event_type="license_created", brand_id="acme", ip_asset_id="a1", license_id="l1",
        occurred_at=midnight, props_json={"ends_on": str(TODAY)},
    )  # fmt: skip
    events.execute("truncate raw.events")
    insert(events, created)
    assert asyncio.run(by_the_api(views_database))["licensed"]["acme"] == ["a1"]
    insert(events, Event(event_type="license_expired", license_id="l1", occurred_at=at(TODAY, 23)))
    assert asyncio.run(by_the_api(views_database))["licensed"]["acme"] == []
