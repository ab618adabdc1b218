"""The marketplace's dimensions store what the rules say, whatever the order of builds."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from tests.dbt_project.warehouse import Warehouse, messages

ONE = timedelta(days=1)
DIMENSIONS = (
    "dim_assets", "dim_projects", "dim_project_history", "dim_licenses", "dim_license_history",
    "dim_creators", "dim_brands",
)  # fmt: skip
TYPES = (
    "asset_uploaded", "asset_uploaded", "asset_approved", "asset_rejected", "project_created",
    "project_started", "project_completed", "license_created", "license_created",
    "license_created", "license_signed", "license_renewed", "license_expired", "asset_viewed",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Happening:
    """A row of raw.events, with the columns that dimensions read."""

    event_type: str
    occurred_at: datetime
    received_at: datetime
    actor_type: str | None = None
    actor_id: str | None = None
    creator_id: str | None = None
    brand_id: str | None = None
    project_id: str | None = None
    ip_asset_id: str | None = None
    license_id: str | None = None
    props_json: str = "{}"
    visitor_id: str = "visitor"
    event_id: UUID = field(default_factory=uuid4)


INSERT = sql.SQL("insert into raw.events ({}) values ({})").format(
    sql.SQL(", ").join(map(sql.Identifier, Happening.__dataclass_fields__)),
    sql.SQL(", ").join(map(sql.Placeholder, Happening.__dataclass_fields__)),
)


def insert(warehouse: Warehouse, happenings: list[Happening]) -> None:
    with warehouse.connect() as connection:
        for day in {happening.occurred_at.date() for happening in happenings}:
            connection.execute("select raw.ensure_partition(%s)", (day,))
        with connection.cursor() as cursor:
            cursor.executemany(INSERT, [vars_of(happening) for happening in happenings])


def vars_of(happening: Happening) -> dict[str, Any]:
    return {name: getattr(happening, name) for name in Happening.__dataclass_fields__}


def drawn(dice: random.Random, first: date, days: int) -> Happening:
    """Anything that may happen, names of a few things and terms of all kinds."""
    prefix = first.isoformat()

    def one_of(*names: str) -> str | None:
        chosen = dice.choice([None, *names])
        return None if chosen is None else f"{prefix} {chosen}"

    occurred = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(
        hours=dice.randrange(24 * days)
    )
    around = [first + timedelta(days=n) for n in range(-3, days + 4)]
    terms = [
        str(dice.choice(around)),
        str(dice.choice(around)),
        None,
        None,
        "tomorrow",
        "2015-02-30",
    ]
    props = {name: dice.choice(terms) for name in ("starts_on", "ends_on") if dice.random() < 0.6}
    return Happening(
        event_type=dice.choice(TYPES),
        occurred_at=occurred,
        # In any order, and often at one moment.
        received_at=datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=dice.randrange(30)),
        actor_type=dice.choice(["creator", "admin", None]),
        actor_id=one_of("ana", "ben"),
        creator_id=one_of("ana", "cem"),
        brand_id=one_of("acme", "other"),
        project_id=one_of("p", "q"),
        ip_asset_id=one_of("a", "b", "c"),
        license_id=one_of("k", "l", "m"),
        props_json=json.dumps(props),
    )


def run(warehouse: Warehouse, first: date, last: date) -> None:
    warehouse.manifest()
    window = ["--event-time-start", str(first), "--event-time-end", str(last + ONE)]
    result = warehouse.dbt("run", *window, "--select", *DIMENSIONS)
    assert result.success, messages(result)


# What each of them stores: its view, and the columns of both.
RULES = {
    "dim_assets": ("assets", "*"),
    "dim_projects": ("projects", "*"),
    "dim_project_history": ("project_history", "*"),
    "dim_license_history": (
        "license_periods", "license_id, ip_asset_id, brand_id, valid_from, valid_to"
    ),
    "dim_licenses": ("licenses", "license_id, ip_asset_id, project_id, brand_id, status, renewals"),
    "dim_creators": ("creators", "creator_id, first_active_at, last_active_at"),
    "dim_brands": ("brands", "brand_id, first_active_at, last_active_at"),
}  # fmt: skip


def contents(warehouse: Warehouse) -> dict[str, list[Any]]:
    return {
        name: warehouse.rows(f"select to_jsonb(d) from marts.{name} d order by 1")
        for name in DIMENSIONS
    }


def test_builds_in_any_order_give_what_one_build_gives(warehouse: Warehouse, day: date) -> None:
    dice = random.Random(7)
    days = [day + n * ONE for n in range(5)]
    happened = [drawn(dice, day, 5) for _ in range(150)]
    late = [drawn(dice, day, 5) for _ in range(30)]
    # The same again, as a retry under another id would bring it.
    twice = [replace(one, event_id=uuid4()) for one in happened[:20]]
    insert(warehouse, happened)
    for one in dice.sample(days, 5):
        run(warehouse, one, one)
    insert(warehouse, late + twice)
    erased = [one.event_id for one in happened[40:60]]
    assert warehouse.execute("delete from raw.events where event_id = any(%s)", erased) == 20
    for one in dice.sample(days, 5):
        run(warehouse, one, one)
    one_by_one = contents(warehouse)
    for name in DIMENSIONS:
        warehouse.execute(f"delete from marts.{name}")
    run(warehouse, days[0], days[-1])
    assert contents(warehouse) == one_by_one
    for name, (view, columns) in RULES.items():
        stored, said = (
            warehouse.rows(
                f"select to_jsonb(d) from (select {columns} from {relation}) d order by 1"
            )
            for relation in (f"marts.{name}", f"rules.{view}")
        )
        assert stored == said != [], name


def test_only_rows_that_changed_are_written(warehouse: Warehouse, day: date) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)

    def upload(asset: str) -> Happening:
        return Happening(
            event_type="asset_uploaded", occurred_at=noon, received_at=noon, actor_type="creator",
            actor_id=f"ana {day}", ip_asset_id=f"{asset} {day}",
        )  # fmt: skip

    def written() -> dict[str, str]:
        return dict(
            warehouse.rows(
                "select ip_asset_id, xmin::text from marts.dim_assets where ip_asset_id like %s",
                f"%{day}",
            )
        )

    insert(warehouse, [upload("a"), upload("b")])
    run(warehouse, day, day)
    before = written()
    approved = replace(upload("b"), event_type="asset_approved", event_id=uuid4())
    insert(warehouse, [upload("c"), approved])
    run(warehouse, day, day)
    after = written()
    assert [asset[0] for asset in after if after[asset] == before.get(asset)] == ["a"]
    assert sorted(asset[0] for asset in after) == ["a", "b", "c"]


def test_a_reader_never_finds_a_dimension_empty(warehouse: Warehouse, day: date) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    insert(
        warehouse,
        [
            Happening(
                event_type="project_created", occurred_at=noon, received_at=noon,
                project_id=f"p {day}", brand_id="acme",
            )
        ],
    )  # fmt: skip
    run(warehouse, day, day)
    count: Callable[[psycopg.Connection], Any] = lambda reader: reader.execute(  # noqa: E731
        "select count(*) from marts.dim_projects where project_id = %s", (f"p {day}",)
    ).fetchone()
    with warehouse.connect() as reader:
        reader.execute("begin isolation level repeatable read")
        assert count(reader) == (1,)
        run(warehouse, day, day)
        assert count(reader) == (1,)
        reader.execute("commit")
        assert count(reader) == (1,)
