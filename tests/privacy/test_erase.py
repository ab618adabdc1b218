"""A person is erased: no table knows them any more, and all numbers are as if they never were."""

from datetime import date

import psycopg
import pytest
from fastapi.testclient import TestClient

from dashboards_api.app import create_app
from eventmill.core.days import ONE_DAY
from eventmill.core.tokens import Caller, issue
from tests.dbt_project.warehouse import Warehouse
from tests.enrichment import store_referrers, store_user_agents
from tests.orchestration.support import BROWSER, CRAWLER
from tests.privacy.numbers import numbers
from tests.privacy.support import (
    ANN,
    ANNS_ASSET,
    BOB,
    DAY,
    DEVICES,
    PEOPLE,
    add,
    add_ann,
    add_mentions,
    add_others,
    at,
    erase_now,
    places,
    user,
)
from tests.support import rows, scalar

LAST = DAY + 3 * ONE_DAY
ONLY_MODELS = ("--exclude-resource-type", "test", "unit_test")


def platform(first: date = DAY, last: date = LAST) -> dict[str, int]:
    """The totals that the API answers."""
    with TestClient(create_app()) as client:
        answer = client.get(
            "/v1/platform/metrics",
            params={"start": str(first), "end": str(last)},
            headers={"Authorization": f"Bearer {issue(Caller('root', 'admin'))}"},
        )
    assert answer.status_code == 200, answer.text
    totals: dict[str, int] = answer.json()["totals"]
    return totals


def test_no_table_knows_the_person_any_more(
    warehouse: Warehouse, connection: psycopg.Connection
) -> None:
    add_others(connection)
    add_ann(connection)
    add_mentions(connection)
    add(connection, at(0, 9), **user(BOB), event_type="asset_uploaded", ip_asset_id="portrait",
        creator_id=BOB, props_json={"title": f"Portrait of {ANN}"})  # fmt: skip
    warehouse.build(DAY, LAST, *ONLY_MODELS)
    tables = {table for table, _ in places(connection, PEOPLE)}
    assert {"raw.events", "raw.identities", "marts.attribution", "marts.sessions"} < tables
    bobs = "select count(*) from raw.events where actor_id = %s"
    events_of_bob = scalar(connection, bobs, BOB)
    store_user_agents(connection, [BROWSER, "only Ann has this"])

    certificate = erase_now(warehouse.url, DEVICES[1])

    assert places(connection, PEOPLE) == []
    assert scalar(connection, bobs, BOB) == events_of_bob, "others' events stay"
    assert certificate.removed["raw.events"] == certificate.removed["raw.event_ids"] == 8
    assert scalar(connection, "select count(*) from raw.event_ids") == scalar(
        connection, "select count(*) from raw.events"
    )
    assert rows(connection, "select user_agent from enrichment.user_agents") == [(BROWSER,)]
    # Who owns what is still known, of somebody who cannot be known.
    [(portraitist, portrait), (uploader, props)] = rows(
        connection,
        "select uploader, props_json from raw.lifecycle_events where event_type = 'asset_uploaded'"
        " order by uploader",
    )
    assert (portraitist, portrait["title"][:19]) == (BOB, "Portrait of erased-")
    assert uploader.startswith("erased-")
    assert props == {"title": "Sea"}
    assert rows(
        connection,
        "select ip_asset_id, creator_id from marts.dim_assets where creator_id <> '' order by 2",
    ) == [("portrait", BOB), (ANNS_ASSET, uploader)]
    [(page_url, shown)] = rows(
        connection, "select page_url, props_json from raw.events where page_url like '%%people%%'"
    )
    assert page_url.startswith("https://s.example/people/erased-")
    assert {type(shown["to"][0]), type(shown["to"][1])} == {str, dict}
    warehouse.build(DAY, LAST, *ONLY_MODELS)
    assert places(connection, PEOPLE) == [], "nor do the marts when they are built again"


def test_numbers_are_as_if_the_person_had_never_been(
    warehouse: Warehouse, connection: psycopg.Connection
) -> None:
    add_others(connection)
    store_user_agents(connection, [BROWSER, CRAWLER])
    store_referrers(connection, ["google.de"])
    warehouse.build(DAY, LAST, *ONLY_MODELS)
    without, shown_without = numbers(connection), platform()
    add_ann(connection)
    # A machine wrote to Ann, in one visit with what it wrote to Bob a day before.
    add(connection, at(1, 0.1), actor_type="system", actor_id="mailer", user_id=ANN)
    warehouse.build(DAY, LAST, *ONLY_MODELS)
    assert numbers(connection) != without
    shown = platform()

    certificate = erase_now(warehouse.url, ANN)

    # Before any build: these days are counted from the events.
    assert platform() == shown_without
    assert certificate.totals_before == _without_events(certificate.totals_before, shown)
    assert certificate.totals_after == _without_events(certificate.totals_after, shown_without)
    assert certificate.state == "asked"
    assert certificate.days == [DAY, DAY + ONE_DAY, DAY + 2 * ONE_DAY]
    assert certificate.rebuilt_days == certificate.days
    assert {day for (day,) in rows(connection, "select date from marts.daily_builds")} == {LAST}
    reasons = "select day, reason from enrichment.days_to_rebuild order by 1"
    assert rows(connection, reasons) == [(day, "a person was erased") for day in certificate.days]
    assert {day for (day,) in rows(connection, "select day from raw.touched_days")} == set(
        certificate.days
    )

    warehouse.build(DAY, DAY + 2 * ONE_DAY, *ONLY_MODELS)
    connection.execute("delete from enrichment.replaced_days")
    assert numbers(connection) == without
    assert platform() == shown_without


def _without_events(counted: dict[str, int] | None, shown: dict[str, int]) -> dict[str, int]:
    """What the API shows of days 0 to 2 and 3 together, as a certificate of days 0 to 2 has it."""
    assert counted is not None
    last = platform(LAST, LAST)
    names = ("views", "clicks", "conversions", "revenue_cents")
    sums = {name: shown[name] - last[name] for name in names}
    # Whoever comes on the last day comes before too.
    visitors = {"unique_visitors": shown["unique_visitors"]}
    return {"events": counted["events"], **sums, **visitors}


def test_a_second_time_removes_what_came_since(
    warehouse: Warehouse, connection: psycopg.Connection
) -> None:
    add_others(connection)
    add_ann(connection)
    first = erase_now(warehouse.url, ANN)
    second = erase_now(warehouse.url, ANN)
    assert first.removed["raw.events"] == 6
    assert (second.removed, second.pseudonymised, second.days) == ({}, {}, [])
    assert (
        second.totals_before == second.totals_after == dict.fromkeys(second.totals_after or (), 0)
    )
    assert (second.state, second.subject_hash) == ("built", first.subject_hash)
    add(connection, at(3, 20), **user(ANN))
    third = erase_now(warehouse.url, ANN)
    assert (third.removed["raw.events"], third.days) == (1, [LAST])
    assert scalar(connection, "select count(*) from ops.erasures") == 3
    assert ANN not in str(rows(connection, "select * from ops.erasures"))


def test_days_past_the_retention_lose_the_person_and_keep_their_totals(
    warehouse: Warehouse, connection: psycopg.Connection
) -> None:
    add_others(connection)
    add_ann(connection)
    warehouse.build(DAY, LAST, *ONLY_MODELS)
    shown = platform()
    for day in (DAY, DAY + 2 * ONE_DAY):
        connection.execute(f"drop table raw.events_{day:%Y%m%d}".encode())
        connection.execute("insert into raw.dropped_days values (%s, 1)", (day,))
    certificate = erase_now(warehouse.url, ANN)
    assert places(connection, PEOPLE) == []
    assert certificate.rebuilt_days == [DAY + ONE_DAY]
    assert certificate.days == [DAY, DAY + ONE_DAY, DAY + 2 * ONE_DAY]
    assert certificate.removed["marts.conversions"] == 1
    assert certificate.removed["intermediate.int_conversion_credits"] > 0
    touched = "select day from raw.touched_days union select day from enrichment.days_to_rebuild"
    assert rows(connection, touched) == [(DAY + ONE_DAY,)]
    # The license and a view of the dropped days stay in the totals, a view of the other is gone.
    now = platform()
    assert (now["conversions"], now["views"]) == (shown["conversions"], shown["views"] - 1)


def test_a_short_id_is_looked_for_only_where_ids_stand(
    warehouse: Warehouse, connection: psycopg.Connection
) -> None:
    add(connection, at(0), **user("42"))
    add(connection, at(0), **user(BOB), anonymous_id="42", creator_id="42",
        page_url="https://s.example/?page=42", props_json={"rank": "42"})  # fmt: skip
    erase_now(warehouse.url, "42")
    [(device, creator, page_url, props)] = rows(
        connection, "select anonymous_id, creator_id, page_url, props_json from raw.events"
    )
    assert creator.startswith("erased-")
    assert device == "42", "a device is not the user whose id it spells"
    assert (page_url, props) == ("https://s.example/?page=42", {"rank": "42"})


@pytest.mark.parametrize("other", [f"{ANN}-b", f"x.{ANN}", f"{ANN}@example.com", f"{ANN}9"])
def test_a_longer_id_is_somebody_else(
    warehouse: Warehouse, connection: psycopg.Connection, other: str
) -> None:
    add(connection, at(0), **user(ANN))
    add(connection, at(0), **user(other), props_json={"to": other},
        page_url=f"https://s.example/{other}")  # fmt: skip
    erase_now(warehouse.url, ANN)
    assert rows(connection, "select actor_id, props_json, page_url from raw.events") == [
        (other, {"to": other}, f"https://s.example/{other}")
    ]
