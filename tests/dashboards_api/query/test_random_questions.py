"""Any question, of any caller, over built and live days, answers what plain Python counts."""

import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from eventmill.core.days import utc_today
from eventmill.core.tokens import Caller
from tests.dashboards_api.conftest import build
from tests.dashboards_api.query.account import (
    ASSETS,
    CAMPAIGNS,
    COUNTRIES,
    DIMENSIONS,
    IPHONE,
    METRICS,
    OPEN_DIMENSIONS,
    PROJECTS,
    Rights,
    counted,
    counted_as_seen,
    in_order,
    some_events,
)
from tests.dashboards_api.support import CHROME, GOOGLEBOT, Event, at, insert
from tests.enrichment import store_referrers, store_user_agents

TODAY = utc_today()
QUESTIONS = 250
DAYS = 24

Ask = Callable[..., dict[str, Any]]
Order = list[tuple[str, bool]]

CALLERS = {
    Caller("root", "admin"): Rights(),
    Caller("ann", "creator"): Rights(assets={"a", "Ünï_%\\"}),
    Caller("bob", "creator"): Rights(assets={"b"}),
    Caller("newcomer", "creator"): Rights(assets=set()),
    Caller("u", "brand", "acme"): Rights(assets=set(), projects={"p"}, licensed={"b"}),
    Caller("w", "brand", "projects-only"): Rights(assets=set(), projects={"q"}),
}
VALUES: dict[str, tuple[Any, ...]] = {
    "asset": (*ASSETS, "nobody's"),
    "project": (*PROJECTS, "nobody's"),
    "campaign": (*CAMPAIGNS, "%", "_", "50"),
    "country": (*COUNTRIES, "XX"),
    "channel": ("direct", "organic_search", "email", "x"),
    "source": ("google", "(direct)", "goo"),
    "medium": ("cpc", "referral"),
    "device": ("desktop", "mobile", "other"),
    "browser": ("Chrome", "Mobile Safari", None),
    "os": ("iOS", None),
    "actor_type": ("user", "brand", None),
}


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def owners() -> list[Event]:
    """Events that say whose the assets and projects are."""

    def life(event_type: str, **named: Any) -> Event:
        return Event(event_type=event_type, occurred_at=at(ago(DAYS + 5)), **named)

    def uploaded(creator: str, asset: str) -> Event:
        return life("asset_uploaded", ip_asset_id=asset, actor_type="creator", actor_id=creator)

    return [
        uploaded("ann", "a"),
        uploaded("ann", "Ünï_%\\"),
        uploaded("bob", "b"),
        uploaded("cem", "c"),
        life("project_created", project_id="p", brand_id="acme"),
        life("project_created", project_id="q", brand_id="projects-only"),
        life("license_created", license_id="l", ip_asset_id="b", brand_id="acme"),
        life(
            "license_created",
            license_id="over",
            ip_asset_id="c",
            brand_id="acme",
            props_json={"ends_on": str(ago(1))},
        ),
    ]


@pytest.fixture(scope="module")
def filled(events: psycopg.Connection) -> list[Event]:
    dice = random.Random(5)
    made = some_events(dice, 900, [ago(n) for n in range(DAYS + 1)])
    insert(events, *owners(), *made)
    # A run classifies what it meets before it builds; what is new since then, a question does.
    store_user_agents(events, [CHROME, IPHONE, GOOGLEBOT])
    store_referrers(events, ["google.com", "t.co", "a-blog.example", "mail.example"])
    crawler = "NewCrawler/1.0 (+https://x.example/bot)"
    insert(events, Event(event_type="asset_viewed", occurred_at=at(TODAY), user_agent=crawler))
    # Gaps of unbuilt days, today and the days before it among them.
    for first, last in ((DAYS, 12), (8, 3)):
        build(ago(first), ago(last))
    return made


def some_filter(dice: random.Random, fields: Sequence[str]) -> dict[str, Any]:
    field = dice.choice(fields)
    known = VALUES[field]
    op = dice.choice(["is", "is_not", "in", "not_in", "contains"])
    if op in ("in", "not_in"):
        value: Any = dice.sample(known, k=dice.randint(1, min(3, len(known))))
    elif op == "contains":
        value = str(dice.choice([one for one in known if one]))[: dice.randint(0, 4)]
    else:
        value = dice.choice(known)
    return {"field": field, "op": op, "value": value}


def some_question(
    dice: random.Random,
    dimensions: Sequence[str] = DIMENSIONS,
    fields: Sequence[str] = tuple(VALUES),
) -> tuple[dict[str, Any], Order]:
    dimensions = dice.sample(dimensions, k=dice.choice([0, 1, 1, 1, 2, 2, 3]))
    metrics = dice.sample(METRICS, k=dice.randint(1, 4))
    names = [*dimensions, *metrics]
    order = [
        (name, dice.random() < 0.5) for name in dice.sample(names, k=dice.randint(1, len(names)))
    ]
    last, first = sorted(dice.choices(range(DAYS + 3), k=2))
    body = {
        "metrics": metrics,
        "dimensions": dimensions,
        "filters": [some_filter(dice, fields) for _ in range(dice.choice([0, 0, 1, 1, 2]))],
        "date_range": {"start": str(ago(first)), "end": str(ago(last))},
        "order_by": [f"-{name}" if descends else name for name, descends in order],
        "limit": dice.choice([1, 3, 10_000]),
        "offset": dice.choice([0, 0, 2]),
    }
    return body, order


def require_same(
    ask: Ask, made: list[Event], caller: Caller, question: tuple[dict[str, Any], Order]
) -> None:
    body, order = question
    asked = body["date_range"]
    days = date.fromisoformat(asked["start"]), date.fromisoformat(asked["end"])
    groups = counted_as_seen(made, CALLERS[caller], *days, body)
    expected = in_order(groups, body["dimensions"], order)
    answer = ask(caller, **body)
    assert answer["total_rows"] == len(expected), (caller, body)
    page = expected[body["offset"] :][: body["limit"]]
    names = [*body["dimensions"], *body["metrics"]]
    assert answer["rows"] == [{name: row[name] for name in names} for row in page], (caller, body)


@pytest.mark.parametrize("caller", CALLERS, ids=lambda c: f"{c.role}-{c.sub}")
def test_a_question_answers_what_python_counts(
    filled: list[Event], ask: Ask, caller: Caller
) -> None:
    dice = random.Random(caller.sub)
    for _ in range(QUESTIONS // len(CALLERS)):
        require_same(ask, filled, caller, some_question(dice))


def test_a_licensee_sees_how_much_an_asset_is_looked_at_by_everybody(
    filled: list[Event], ask: Ask
) -> None:
    """Few questions at random are of what a licensee sees of all rows."""
    dice = random.Random(7)
    for _ in range(30):
        question = some_question(dice, dimensions=sorted(OPEN_DIMENSIONS), fields=["asset"])
        require_same(ask, filled, Caller("u", "brand", "acme"), question)


@pytest.mark.parametrize("dimension", ["", *DIMENSIONS])
@pytest.mark.parametrize("metric", METRICS)
def test_each_metric_by_each_dimension(
    filled: list[Event], ask: Ask, dimension: str, metric: str
) -> None:
    dimensions = [dimension] if dimension else []
    window = {"start": str(ago(DAYS)), "end": str(TODAY)}
    groups = counted(filled, Rights(), ago(DAYS), TODAY, dimensions, [])
    expected = in_order(groups, dimensions, [(metric, True)])
    answer = ask(
        metrics=[metric], dimensions=dimensions, order_by=[f"-{metric}"], date_range=window
    )
    assert answer["rows"] == [{n: row[n] for n in (*dimensions, metric)} for row in expected]
    assert answer["range"] == window
