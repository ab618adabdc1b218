"""daily_metrics against an independent calculation, for random events."""

import json
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventmill.core.tracking_plan import tracking_plan
from tests.dbt_project.conftest import BOT, BROWSER
from tests.dbt_project.warehouse import Event, Warehouse, messages

# What a client, or somebody who writes into raw by hand, may put where an amount belongs.
AMOUNTS = st.one_of(
    st.integers(0, 10**12).map(str),
    st.sampled_from(["0", "1299.0", "1e3", "12.9", "-1", "-0.5", "1e-300", "1e400"]),
    st.sampled_from([str(2**53 - 1), str(2**53)]),
    st.sampled_from(['"12"', "true", "null", "[1]", '{"a": 1}']),
)
PROPS = st.one_of(
    st.sampled_from(["{}", "[]", "7", '"text"', "null"]),
    st.fixed_dictionaries(
        {}, optional={"revenue_cents": AMOUNTS, "engagement_ms": AMOUNTS, "título": st.just('"ü"')}
    ).map(lambda props: "{" + ",".join(f"{json.dumps(k)}: {v}" for k, v in props.items()) + "}"),
)
LAST_MICROSECOND = 24 * 60 * 60 * 1_000_000 - 1


def ids(*names: str) -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), st.sampled_from(names))


VISITORS = ["ann", "Ann", "bob", "anaïs", "👩‍🎨", "x" * 300, "'; --"]


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "event_type": draw(st.sampled_from([*tracking_plan().event_types, "made_up"])),
        "visitor_id": draw(st.sampled_from(VISITORS)),
        "at": draw(st.sampled_from([0, LAST_MICROSECOND]) | st.integers(0, LAST_MICROSECOND)),
        "project_id": draw(ids("p1", "p2", "ü")),
        "ip_asset_id": draw(ids("a1", "a2", "=", "null")),
        "license_id": draw(ids("l1", "l1 ")),
        "user_agent": draw(st.sampled_from([None, BOT, BROWSER, "not classified yet"])),
        "props": draw(PROPS),
    }


def amount(event: Event, name: str) -> int:
    """What the JSON says, if it is a number of at least 0 that JSON carries exactly."""
    props = json.loads(event.props, parse_float=Decimal, parse_int=Decimal)
    value = props.get(name) if isinstance(props, dict) else None
    return int(value) if isinstance(value, Decimal) and 0 <= value < 2**53 else 0


def expected(events: list[Event]) -> dict[tuple[date, Any, Any, Any], dict[str, int]]:
    """Day, project, asset, license → the metrics, by plain loops."""
    groups = defaultdict(list)
    for event in events:
        p, a, license_id = event.project_id, event.ip_asset_id, event.license_id
        keys = {(None, None, None), (p, None, None), (None, a, None), (None, None, license_id)}
        if p is not None and a is not None:
            keys.add((p, a, None))
        for key in keys:
            groups[(event.day, *key)].append(event)
    return {key: totals(group) for key, group in groups.items()}


def totals(events: list[Event]) -> dict[str, int]:
    people = [event for event in events if event.user_agent != BOT]
    bots = [event for event in events if event.user_agent == BOT]
    kinds = [event.event_type for event in people]
    return {
        "views": kinds.count("asset_viewed"),
        "clicks": kinds.count("asset_downloaded") + kinds.count("license_clicked"),
        "conversions": kinds.count("license_created"),
        "revenue_cents": sum(
            amount(event, "revenue_cents")
            for event in people
            if event.event_type in ("license_created", "license_renewed")
        ),
        "unique_visitors": len({event.visitor_id for event in people}),
        "engagement_time": sum(amount(event, "engagement_ms") for event in people),
        "bot_events": len(bots),
        "bot_visitors": len({event.visitor_id for event in bots}),
    }


def built(warehouse: Warehouse, days: list[date]) -> dict[tuple[Any, ...], dict[str, int]]:
    found = warehouse.rows(
        "select date, project_id, ip_asset_id, license_id, to_jsonb(m) || metadata"
        " from marts.daily_metrics m where date = any(%s)",
        days,
    )
    names = totals([]).keys()
    assert len({row[:4] for row in found}) == len(found)
    return {row[:4]: {name: row[4][name] for name in names} for row in found}


# Each example is a dbt run of two days, about 1.5 s.
@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large,
    ],
)  # fmt: skip
@given(first=st.lists(events(), min_size=50, max_size=150), second=st.lists(events(), max_size=100))
def test_daily_metrics_are_what_a_plain_count_says(
    warehouse: Warehouse, day: date, first: list[dict[str, Any]], second: list[dict[str, Any]]
) -> None:
    days = [day, day + timedelta(days=1)]
    warehouse.execute("delete from raw.events where occurred_at::date = any(%s)", days)
    made = [Event(days[0], **values) for values in first]
    made += [Event(days[1], **values) for values in second]
    warehouse.insert(made)
    warehouse.run_marts(*days)
    assert built(warehouse, days) == expected(made)
    [(attributed,)] = warehouse.rows(
        "select count(*) from marts.attribution where occurred_at::date = any(%s)", days
    )
    assert attributed == len(made)


def test_the_definition_changes_when_a_definition_does(warehouse: Warehouse) -> None:
    """The hash that answers carry is in each receipt, and one for all metrics."""
    [(definition,)] = warehouse.rows("select distinct definition from marts.metric_definitions")
    assert warehouse.rows("select distinct definition from marts.daily_builds") == [(definition,)]
    published = dict(warehouse.rows("select metric, sql_expression from marts.metric_definitions"))
    assert list(published) == [name for name in totals([]) if not name.startswith("bot_")]
    for name, expression in published.items():
        # Each published expression is SQL that runs over what int_events offers.
        warehouse.rows(f"select {expression} as {name} from intermediate.int_events")


# What puts rules together, tells of changes, or makes columns: metrics.yml is hashed by itself.
NO_RULES = {
    "definitions_hash", "metric_hash", "described_metrics", "lists_of_rules", "tell_definitions",
    "attribution_models", "claimed_links", "conversions_to_credit", "visitor_number",
    "traffic_model", "traffic_dimensions", "traffic_metrics", "is_own", "dimension_column",
    "added_columns", "measured", "filter_of", "rolled_up_dimensions", "traffic_sums", "traffic_by",
}  # fmt: skip


def test_each_rule_is_in_the_hash(warehouse: Warehouse) -> None:
    """Each macro is changed in turn; a change of the words alone is none."""
    rules = [
        macro
        for macro in warehouse.manifest().macros.values()
        if macro.original_file_path.startswith("macros/definitions/")
        and macro.name not in NO_RULES
        and not macro.name.startswith("rules_of_")
    ]
    assert len(rules) > 40
    before = {macro.unique_id: macro.macro_sql for macro in rules}
    for macro in rules:
        is_changed = f"graph.changed == '{macro.name}'"
        head, end, body = macro.macro_sql.partition("%}")
        if "return([" in body:
            body = body.replace("return([", f"return(['changed' if {is_changed}] + [")
        elif "return({" in body:
            body = body.replace("return({", f"return({{'changed': []}} if {is_changed} else {{")
        else:
            body = f"{{{{ 'changed' if {is_changed} }}}}{body}"
        macro.macro_sql = head + end + body
    hashes = """
    {%- for name in NAMES -%}
        {%- do graph.update({'changed': name}) -%}
        {{ name }} {{ definitions_hash() }},
    {%- endfor -%}
    """.replace("NAMES", str(["nothing", "again", *(macro.name for macro in rules)]))
    try:
        result = warehouse.dbt("compile", "--inline", hashes)
    finally:
        for macro in rules:
            macro.macro_sql = before[macro.unique_id]
    assert result.success, messages(result)
    compiled = result.result.results[0].node.compiled_code
    found = dict(
        line.split() for line in compiled.replace("nothing again", "again").split(",")[:-1]
    )
    same = {name for name, value in found.items() if value == found["nothing"]}
    assert same == {"nothing", "again"}
    assert len(found) == len(rules) + 2


def test_seeds_and_described_metrics_are_in_the_hash(warehouse: Warehouse) -> None:
    """The lists of sources and bots, and an analyst's own metric."""
    graph = warehouse.manifest().flat_graph

    def hashed() -> str:
        result = warehouse.dbt("compile", "--inline", "{{ definitions_hash() }}")
        assert result.success, messages(result)
        return str(result.result.results[0].node.compiled_code)

    found = [hashed()]
    seeds = "seed.eventmill.bots", "seed.eventmill.ga4_source_categories"
    for part, key in (
        *((graph["nodes"][seed]["checksum"], "checksum") for seed in seeds),
        (graph["metrics"]["metric.eventmill.events"]["type_params"], "expr"),
        (graph["semantic_models"]["semantic_model.eventmill.traffic"]["measures"][0], "expr"),
    ):
        part[key], before = "another", part[key]
        found.append(hashed())
        part[key] = before
    assert len(set(found)) == 5
    # Words change nothing.
    graph["metrics"]["metric.eventmill.events"]["description"] += "!"
    assert hashed() == found[0]
