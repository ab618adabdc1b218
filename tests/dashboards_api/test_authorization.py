"""Who sees an asset: its creator, a brand with an active license, an admin, and nobody else."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from eventmill.core.days import utc_today
from eventmill.core.tokens import Caller
from tests.dashboards_api.conftest import Get
from tests.dashboards_api.support import Event, insert

ADMIN = Caller("root", "admin")
ANA, BEN = Caller("ana", "creator"), Caller("ben", "creator")
ACME, OTHER = Caller("user-1", "brand", "acme"), Caller("user-2", "brand", "other")
NOW = datetime.now(UTC)
TODAY = utc_today()


@pytest.fixture(autouse=True)
def _no_events(events: psycopg.Connection) -> None:
    events.execute("truncate raw.events")


def happened(event_type: str, ago: timedelta = timedelta(0), **values: object) -> Event:
    moment = NOW - ago
    fields = {"ip_asset_id": "asset", **values}
    return Event(event_type=event_type, occurred_at=moment, received_at=moment, **fields)  # type: ignore[arg-type]


def uploaded_by(creator: str, ago: timedelta = timedelta(0)) -> Event:
    return happened("asset_uploaded", ago, actor_type="creator", actor_id=creator)


def licensed(**props: object) -> Event:
    ago = timedelta(hours=2)
    return happened("license_created", ago, license_id="l1", brand_id="acme", props_json=props)


def who_sees(get: Get, asset: str = "asset") -> set[str]:
    callers = (ADMIN, ANA, BEN, ACME, OTHER)
    answers = {c.sub: get(f"/v1/assets/{asset}/metrics", c).status_code for c in callers}
    assert set(answers.values()) <= {200, 404}
    return {sub for sub, status in answers.items() if status == 200}


def test_an_asset_without_any_event_exists_for_nobody(get: Get) -> None:
    assert who_sees(get) == set()


def test_a_creator_sees_what_they_uploaded(events: psycopg.Connection, get: Get) -> None:
    insert(events, uploaded_by("ana"))
    assert who_sees(get) == {"root", "ana"}
    assert who_sees(get, "another") == set()


def test_an_upload_for_a_creator_names_them(events: psycopg.Connection, get: Get) -> None:
    insert(
        events, happened("asset_uploaded", actor_type="system", actor_id="ben", creator_id="ana")
    )
    assert who_sees(get) == {"root", "ana"}


def test_nobody_takes_over_an_asset_by_uploading_it_again(
    events: psycopg.Connection, get: Get
) -> None:
    insert(events, uploaded_by("ana"))
    # Backdated: a client sets occurred_at as it likes, but not when we received it.
    forged = Event(
        event_type="asset_uploaded",
        ip_asset_id="asset",
        actor_type="creator",
        actor_id="ben",
        occurred_at=NOW - timedelta(days=90),
        received_at=NOW + timedelta(seconds=1),
    )
    insert(events, forged)
    assert who_sees(get) == {"root", "ana"}


def test_other_events_of_a_creator_or_brand_give_nothing(
    events: psycopg.Connection, get: Get
) -> None:
    insert(
        events,
        happened("asset_viewed", actor_type="creator", actor_id="ana"),
        happened("license_clicked", brand_id="acme", license_id="l1"),
        happened("asset_uploaded", ip_asset_id="another", actor_type="creator", actor_id="ana"),
        happened("license_created", ip_asset_id="another", brand_id="acme", license_id="l2"),
    )
    assert who_sees(get) == {"root"}


@pytest.mark.parametrize("offset", [-1, 0, 1])
@pytest.mark.parametrize("bound", ["starts_on", "ends_on"])
def test_a_license_holds_from_its_first_to_its_last_day(
    events: psycopg.Connection, get: Get, bound: str, offset: int
) -> None:
    insert(events, licensed(**{bound: str(TODAY + timedelta(days=offset))}))
    holds = offset <= 0 if bound == "starts_on" else offset >= 0
    assert ("user-1" in who_sees(get)) == holds


def test_a_brand_without_the_license_sees_nothing(events: psycopg.Connection, get: Get) -> None:
    insert(events, licensed())
    assert who_sees(get) == {"root", "user-1"}


@pytest.mark.parametrize(
    "end",
    [
        {"license_id": "l1", "ip_asset_id": None},
        {"license_id": "l1", "brand_id": "acme"},
        {"license_id": None, "brand_id": "acme"},
    ],
)
def test_an_expired_license_ends_it(
    events: psycopg.Connection, get: Get, end: dict[str, str | None]
) -> None:
    insert(events, licensed(), happened("license_expired", timedelta(hours=1), **end))
    assert who_sees(get) == {"root"}
    insert(events, happened("license_renewed", license_id="l1", ip_asset_id=None))
    assert who_sees(get) == {"root", "user-1"}


def test_the_end_of_another_license_changes_nothing(events: psycopg.Connection, get: Get) -> None:
    insert(
        events,
        licensed(),
        happened("license_expired", license_id="l2", brand_id="acme"),
        happened("license_expired", license_id=None, brand_id="other"),
        happened("license_expired", timedelta(days=1), license_id="l1"),
    )
    assert "user-1" in who_sees(get)


@pytest.mark.parametrize(
    "term", ["tomorrow", "2999-02-30", "29990101", "2999-1-1", "0000-01-01", "", "\u2028", 2999, {}]
)
def test_a_term_that_cannot_be_read_grants_nothing(
    events: psycopg.Connection, get: Get, term: object
) -> None:
    insert(events, licensed(ends_on=term))
    assert who_sees(get) == {"root"}
    insert(events, licensed(ends_on="2999-02-28"))
    assert who_sees(get) == {"root", "user-1"}


def test_what_is_not_the_callers_and_what_does_not_exist_look_the_same(
    events: psycopg.Connection, get: Get
) -> None:
    insert(events, uploaded_by("ana"), licensed())
    answers = [
        get(f"/v1/assets/{asset}/metrics", caller)
        for caller in (BEN, OTHER)
        for asset in (
            "asset",
            "unknown",
            "a/b",
            "x" * 10_000,
            "%00",
            "a%00b",
            "%ED%A0%80",
            "'; drop --",
        )
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    for answer in answers:
        assert answer.headers.pop("X-Request-ID")
    assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1


def test_only_admins_see_the_platform(get: Get) -> None:
    assert get("/v1/platform/metrics", ADMIN).status_code == 200
    for caller in (ANA, ACME):
        answer = get("/v1/platform/metrics", caller, period="not even valid")
        assert answer.status_code == 403
        assert answer.headers["Content-Type"] == "application/problem+json"
