"""campaign_daily: visits, credited conversions and cost of the same tags meet in one row."""

import json
from datetime import date, timedelta
from typing import Any

from tests.dbt_project import streams
from tests.dbt_project.warehouse import Event, Warehouse

MAIL = {"utm_source": "Mail", "utm_medium": "email", "utm_campaign": "May"}
SPEND = """
insert into raw.ad_spend (date, source, medium, campaign, currency, cost_cents, impressions)
values (%s, %s, %s, %s, %s, %s, %s)
"""
ROWS = """
select source, medium, campaign, channel, visits, engaged_visits, views, clicks, conversions::text,
       revenue_cents, other_revenue, cost_cents, other_cost, impressions,
       cost_per_acquisition_cents::text, return_on_ad_spend::text
from marts.campaign_daily
where date = %s
order by source, campaign
"""


def sold(day: date, visitor: str, at: int, **props: Any) -> Event:
    return Event(day, "license_created", visitor, at=at, props=json.dumps(props))


def test_visits_conversions_and_cost(warehouse: Warehouse, day: date) -> None:
    next_day = day + timedelta(days=1)
    ann, bob, eve = (f"{name}-{day}" for name in ("ann", "bob", "eve"))
    warehouse.insert(
        [
            Event(day, "asset_viewed", ann, at=1, **MAIL),
            sold(next_day, ann, 1, revenue_cents=900),
            Event(day, "asset_viewed", bob, at=1, **MAIL),
            sold(day, bob, 2, revenue_cents=100, currency="EUR"),
            Event(day, "asset_downloaded", eve, at=1),
        ]
    )
    for row in (
        (day, " MAIL", "email", "may", "USD", 450, 1000),
        (day, "mail", "email", "may", "EUR", 30, None),
        (next_day, "mail", "email", "may", "USD", 300, None),
        (next_day, "google", "cpc", "brand", "EUR", 7, None),
    ):
        warehouse.execute(SPEND, *row)
    streams.build(warehouse, day, next_day)

    assert warehouse.rows(ROWS, day) == [
        (
            "(direct)", "(none)", None, "direct", 1, 0, 0, 1, "0.0000000000", 0, {},
            None, {}, None, None, None,
        ),
        (
            "mail", "email", "may", "email", 2, 1, 2, 0, "1.0000000000", 0, {"EUR": 100},
            450, {"EUR": 30}, 1000, "450.00", "0.0000",
        ),
    ]  # fmt: skip
    # Ann's session of the next day is direct; what she bought is the mail's of the day before.
    assert warehouse.rows(ROWS, next_day) == [
        (
            "(direct)", "(none)", None, "direct", 1, 1, 0, 0, "0.0000000000", 0, {},
            None, {}, None, None, None,
        ),
        (
            "google", "cpc", "brand", "paid_search", 0, 0, 0, 0, "0.0000000000", 0, {},
            None, {"EUR": 7}, None, None, None,
        ),
        (
            "mail", "email", "may", "email", 0, 0, 0, 0, "1.0000000000", 900, {},
            300, {}, None, "300.00", "3.0000",
        ),
    ]  # fmt: skip


def test_a_range_of_days_is_looked_up_in_each_table(warehouse: Warehouse, day: date) -> None:
    """Otherwise a dashboard's week would cost as much as all days there are."""
    query = (
        "explain (format json) select sum(visits), sum(conversions), sum(cost_cents)"
        f" from marts.campaign_daily where date between '{day}' and '{day + timedelta(days=6)}'"
    )
    with warehouse.connect() as connection:
        connection.execute("set enable_seqscan = off")
        found = connection.execute(query.encode()).fetchone()
    assert found is not None
    scans: dict[str, str] = {}
    for node in nodes_of(found[0][0]["Plan"]):
        if "Relation Name" in node:
            scans[node["Relation Name"]] = json.dumps(node)
    for table in ("int_campaign_visits", "int_conversion_credits", "ad_spend"):
        assert str(day) in scans[table], table
        assert "Seq Scan" not in scans[table], table


def nodes_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes_of(child))]
