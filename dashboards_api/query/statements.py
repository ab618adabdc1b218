"""Turns a question and its sources into one SQL statement. Each row has the total of rows."""

from collections.abc import Mapping, Sequence

from psycopg import sql

from dashboards_api.database import conjunction, fill, group_by
from dashboards_api.query.catalog import VISITOR, Metric
from dashboards_api.query.question import Question
from dashboards_api.query.sources import NOTHING, Plan, Source, Sources

# The first side names the columns of all, also where no day of the range has any of the metrics.
STATEMENT = """
with {ctes}

merged as (
    select true as is_row, {sums}
    from (
        select {names} where false
        {sides}
    ) as sides
    {groups}
),

page as (select * from merged {order} limit {limit} offset {offset})

select
    (select count(*) from merged) as total,
    {unclassified} as has_unclassified,
    page.is_row,
    {columns}
from (select 1) as one
left join page on true
{order}
"""
NULL = sql.SQL("null::numeric")


def statement(
    plan: Plan, all_sources: Sequence[Sources], *, everything: int | None = None
) -> sql.Composed:
    """The rows of the question's page, or, where Python sorts, at most `everything` of them all."""
    question = plan.question
    dimensions, metrics = question.columns(question.dimensions), question.columns(question.counted)
    ctes = [cte for one in all_sources for cte in one.ctes(is_numbered=one.is_numbered)]
    sides = [side for sources in all_sources for side in _sides(question, sources)]
    unclassified = [
        fill("exists (select from {} where not is_classified)", sources.live.relation)
        for sources in all_sources
        if sources.live and (live := sources.part.dataset.live)
        if "is_classified" in live.columns
    ]
    names = [
        *(fill("null as {}", d) for d in dimensions),
        *(fill("{} as {}", NULL, m) for m in metrics),
    ]
    sums = [fill("coalesce(sum({0}), 0) as {0}", name) for name in metrics]
    return sql.SQL(STATEMENT).format(
        ctes=sql.SQL("").join(fill("{},\n", cte) for cte in ctes),
        sums=fill("{}", [*dimensions, *sums]),
        names=fill("{}", names),
        sides=sql.SQL("").join(fill("union all {}\n", side) for side in sides),
        groups=group_by(dimensions),
        order=sql.SQL("") if everything is not None else _order_by(question),
        limit=plan.bind(question.limit if everything is None else everything),
        offset=plan.bind(question.offset if everything is None else 0),
        unclassified=sql.SQL(" or ").join(unclassified) if unclassified else NOTHING,
        columns=fill("{}", [*dimensions, *metrics]),
    )


def _order_by(question: Question) -> sql.Composable:
    """Text by code point, as Python sorts it, whatever the database's locale."""
    texts = [one.name for one in question.dimensions if question.dimension(one.name).column]
    keys = []
    for name, descends in question.order:
        key = _key(question, name)
        if name in texts:
            key = fill('{} collate "C"', key)
        keys.append(fill("{} desc nulls last" if descends else "{} asc nulls last", key))
    return fill("order by {}", keys) if keys else sql.SQL("")


def _key(question: Question, name: str) -> sql.Composable:
    """What rows are sorted by: a column, or a formula of columns."""
    for metric in question.formulas:
        if metric.name == name and metric.formula:
            columns = {one: question.column(one) for one in metric.formula.names}
            return sql.SQL(metric.formula.sql(columns))
    return sql.Identifier(question.column(name))


def _sides(question: Question, sources: Sources) -> list[sql.Composed]:
    """Queries of the question's dimensions and metrics, one or several rows a group."""
    if sources.counts_people:
        return [_united(question, sources)] if sources.all else []
    return [
        fill(
            "select {} from {} where {} {}",
            [
                *map(source.expression, sources.dimensions),
                *_in_order(
                    question, {m: _summed(sources, source, m) for m in sources.part.metrics}
                ),
            ],
            source.relation,
            conjunction(source.where),
            group_by([sql.Literal(number + 1) for number in range(len(sources.dimensions))]),
        )
        for source in sources.all
    ]


def _in_order(question: Question, values: Mapping[Metric, sql.Composable]) -> list[sql.Composable]:
    """The values of a dataset's metrics, and null for those of others."""
    named = {metric.name: value for metric, value in values.items()}
    return [named.get(one.name, NULL) for one in question.counted]


def _summed(sources: Sources, source: Source, metric: Metric) -> sql.Composable:
    """Sums; visitors only where each row of the roll-up is a group, or unites nobody."""
    value = _value(sources, source, metric)
    if metric.aggregate == "sum":
        return fill("sum({})", value)
    if sources.needs_sets:  # united afterwards
        return NULL
    is_counted = source.kind == "rollup"
    return sql.SQL("sum(unique_visitors)") if is_counted else fill("count(distinct {})", value)


def _united(question: Question, sources: Sources) -> sql.Composed:
    """Sums and different visitors of rows: first of each visitor, who then is one row of a group.
    That takes a hash table; count(distinct) would sort all rows."""
    dimensions = question.columns(question.dimensions)
    metrics = {metric: question.column(metric.name) for metric in sources.part.metrics}
    keys = [metrics[metric] for metric in sources.distinct]
    selects = []
    for source in sources.all:
        values = [*map(source.expression, sources.dimensions)]
        values += [_value(sources, source, metric) for metric in metrics]
        names = [*dimensions, *metrics.values()]
        is_numbered = source.kind == "live" and sources.is_numbered
        selects.append(
            fill(
                "select {} from {} where {}",
                [fill("{} as {}", *both) for both in zip(values, names, strict=True)],
                sources.numbered_live if is_numbered else source.relation,
                conjunction(source.where),
            )
        )
    sums = [fill("sum({0}) as {0}", name) for name in metrics.values() if name not in keys]
    visits = fill(
        "select {} from ({}) as visits {}",
        [*dimensions, *keys, *sums],
        sql.SQL(" union all ").join(selects),
        group_by([*dimensions, *keys]),
    )
    count = "count({})" if len(keys) == 1 else "count(distinct {})"
    counts = {m: fill(count if name in keys else "sum({})", name) for m, name in metrics.items()}
    return fill(
        "select {} from ({}) as people {}",
        [*dimensions, *_in_order(question, counts)],
        visits,
        group_by(dimensions),
    )


def _value(sources: Sources, source: Source, metric: Metric) -> sql.Composable:
    """What a row has of a metric: a number to sum, or a key of which different ones are counted."""
    value: sql.Composable = sql.Identifier(metric.column)
    if source.kind == "live":
        if metric.column == VISITOR and not sources.is_numbered:
            value = sql.Identifier("visitor_id")
        elif not metric.is_live:
            return NULL if metric.aggregate == "sum" else sql.SQL("null")
    return fill("case when {} > 0 then {} end", metric.flag, value) if metric.flag else value
