"""A marketplace with a person in it, and where ids of people stand in a database."""

import asyncio
import json
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql

from eventmill.privacy.audit import Operator
from eventmill.privacy.certificate import Certificate
from eventmill.privacy.erase import erase
from tests.orchestration.support import CRAWLER, add_event
from tests.support import rows

DAY = date(2024, 3, 10)
ANN = "ann-7f3a91c2"
DEVICES = ("device-41b7d0aa", "device-c2")
PEOPLE = (ANN, *DEVICES)
BOB = "bob-0c5e77f1"
ANNS_ASSET = "painting-of-ann"

TABLES = """
select schemas.nspname, tables.relname
from pg_class as tables
inner join pg_namespace as schemas on tables.relnamespace = schemas.oid
where
    tables.relkind in ('r', 'p')
    and not tables.relispartition
    and schemas.nspname <> 'information_schema'
    and schemas.nspname !~ '^pg_'
"""


def at(day: int, hour: float = 12) -> datetime:
    """An hour of the day that is so many days after DAY."""
    return datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(days=day, hours=hour)


def add(connection: psycopg.Connection, moment: datetime, **columns: Any) -> None:
    """One event; who sent it is told by its ids."""
    columns = {"event_type": "page_viewed", "ip_asset_id": None, **columns}
    if "visitor_id" not in columns:
        anonymous = columns.get("anonymous_id")
        spelled = f"anon:{anonymous}" if anonymous else "hash:" + "f" * 32
        columns["visitor_id"] = columns.get("actor_id") or spelled
    if "props_json" in columns:
        columns["props_json"] = json.dumps(columns["props_json"])
    add_event(connection, moment.date(), occurred_at=moment, **columns)


def link(connection: psycopg.Connection, device: str, user: str) -> None:
    connection.execute("insert into raw.identities values (%s, %s, true, now())", (device, user))


def user(name: str) -> dict[str, str]:
    return {"actor_type": "user", "actor_id": name}


def add_others(connection: psycopg.Connection) -> None:
    """What is there without Ann."""
    for day in range(4):
        add(connection, at(day), **user(BOB), event_type="asset_viewed", ip_asset_id=ANNS_ASSET)
        add(connection, at(day, 13), anonymous_id="device-of-nobody", ip_asset_id="other",
            event_type="asset_viewed")  # fmt: skip
        add(connection, at(day, 14), visitor_id="crawler", user_agent=CRAWLER, referrer=None)
    add(connection, at(0, 9), **user(BOB), event_type="license_created", ip_asset_id="other",
        license_id="l-2", props_json={"revenue_cents": 500})  # fmt: skip


def add_ann(connection: psycopg.Connection) -> None:
    """Ann: two devices, a session over midnight, a license, refused events."""
    tablet, phone = DEVICES
    link(connection, tablet, ANN)
    link(connection, phone, ANN)
    for hour, day in ((23.8, 0), (0.2, 1)):
        add(connection, at(day, hour), anonymous_id=tablet, event_type="asset_viewed",
            ip_asset_id="other", utm_source="mail", utm_medium="email")  # fmt: skip
    add(connection, at(1, 8), anonymous_id=phone, user_agent="only Ann has this")
    add(connection, at(1, 9), **user(ANN), anonymous_id=phone, session_id="s-1")
    add(connection, at(2, 9), **user(ANN), event_type="license_created", ip_asset_id="other",
        license_id="l-1", props_json={"revenue_cents": 700, "buyer": "Ann Smith"})  # fmt: skip
    add(connection, at(2, 10), user_id=ANN)
    connection.execute(
        "insert into raw.rejected_events (event_id, received_at, sender, route, event, context,"
        " errors) values (gen_random_uuid(), now(), %s, '/v1/track', %s, '{}', '[]')",
        (json.dumps({"kind": "secret"}), json.dumps({"userId": ANN, "event": "No such type"})),
    )


def add_mentions(connection: psycopg.Connection) -> None:
    """Events of others that name Ann: as the creator of an asset, on a shared device, in texts."""
    add(connection, at(0, 8), actor_type="creator", actor_id=ANN, event_type="asset_uploaded",
        ip_asset_id=ANNS_ASSET, props_json={"title": "Sea", "mood": "sad"})  # fmt: skip
    add(connection, at(1, 15), **user(BOB), event_type="license_created", ip_asset_id=ANNS_ASSET,
        license_id="l-3", brand_id="acme", creator_id=ANN)  # fmt: skip
    add(connection, at(1, 16), **user(BOB), anonymous_id=DEVICES[0], landing_page="https://s.example/",
        page_url=f"https://s.example/people/{ANN}?from={ANN}#x", utm_content=ANN,
        utm_source="people", props_json={"to": [ANN, {ANN: 1}], "note": f"for {ANN}."})  # fmt: skip
    # As a label of a host, as an anonymous id that nothing links with her, as a claim of a browser.
    host = f"{ANN}.artists.example"
    add(connection, at(1, 17), **user(BOB), referrer=f"https://www.{host}/x",
        page_url=f"https://{host}/?back=https%3A%2F%2F{host}%2F")  # fmt: skip
    add(connection, at(1, 18), anonymous_id=ANN)
    add(connection, at(1, 18), anonymous_id="device-of-nobody", user_id=ANN, trust=1)
    for owner, name in (("root", f"About {ANN}"), (ANN, "Mine")):
        connection.execute(
            "insert into ops.reports (owner_role, owner_id, name, description, query, created_by)"
            " values ('admin', %s, %s, %s, %s, %s)",
            (owner, name, f"({ANN}) complained", json.dumps({"filters": {"of": ANN}}), owner),
        )
    add(connection, at(2, 16), actor_type="system", actor_id="mailer", user_id=ANN,
        event_type="email_sent")  # fmt: skip
    add(connection, at(2, 16.2), actor_type="system", actor_id="mailer", user_id=BOB,
        event_type="email_sent")  # fmt: skip


def places(connection: psycopg.Connection, ids: Collection[str]) -> list[tuple[str, str]]:
    """Every table of the database, whosever, with a row in which one of `ids` stands anywhere."""
    found = []
    for schema, table in rows(connection, TABLES):
        query = sql.SQL("select t::text from {} as t where t::text like any(%s)").format(
            sql.Identifier(schema, table)
        )
        patterns = [f"%{known}%" for known in ids]
        found += [(f"{schema}.{table}", row) for (row,) in connection.execute(query, (patterns,))]
    return found


def erase_now(url: str, subject_id: str, **options: Any) -> Certificate:
    """Erase somebody, as the API does."""

    async def run() -> Certificate:
        async with await AsyncConnection.connect(url, autocommit=True) as connection:
            return await erase(connection, subject_id, Operator("tester"), **options)

    return asyncio.run(run())
