"""Turns a question and its sources into one SQL statement. Each row has the total number of rows.

Columns are numbered: d0, d1, … are the dimensions as the question has them, m0, m1, … its metrics.
"""

from collections.abc import Sequence

from psycopg import sql

from dashboards_api.query.catalog import VISITOR, Metric
from dashboards_api.query.pieces import (
    Cte,
    comma,
    conjunction,
    dimension_columns,
    group_by,
    live_ctes,
    live_name,
    numbered_live,
)
from dashboards_api.query.question import Question
from dashboards_api.query.sources import Bound, Source, Sources

STATEMENT = """
with {ctes},

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


def dimension_names(question: Question) -> list[sql.Identifier]:
    return [sql.Identifier(f"d{number}") for number in range(len(question.dimensions))]


def statement(
    question: Question,
    all_sources: Sequence[Sources],
    bound: Bound,
    *,
    everything: int | None = None,
) -> sql.Composed:
    """The rows of the question's page, or, where Python sorts, at most `everything` of them all."""
    ctes: list[Cte] = []
    for sources in all_sources:
        ctes += _ctes(question, sources)
    dimensions = dimension_names(question)
    metrics = [_metric_name(question, named.name) for named in question.metrics]
    ctes.append((sql.Identifier("merged"), _merged(question, all_sources, dimensions)))
    unclassified = [
        sql.SQL("exists (select from {} where not is_classified)").format(live_name(sources))
        for sources in all_sources
        if sources.live and "is_classified" in _live_columns(sources)
    ]
    order = sql.SQL("") if everything is not None else order_by(question)
    return sql.SQL(STATEMENT).format(
        ctes=sql.SQL(",\n\n").join(_as_cte(name, body) for name, body in ctes),
        order=order,
        limit=bound(question.limit if everything is None else everything),
        offset=bound(question.offset if everything is None else 0),
        unclassified=sql.SQL(" or ").join(unclassified) if unclassified else sql.SQL("false"),
        columns=comma([*dimensions, *metrics]),
    )


def order_by(question: Question) -> sql.Composable:
    """Text by code point, as Python sorts it, whatever the database's locale."""
    keys = []
    names = [named.name for named in question.dimensions]
    for name, descends in question.order:
        if name in names:
            is_text = question.dimension(name).column is not None
            key: sql.Composable = sql.Identifier(f"d{names.index(name)}")
            key = sql.SQL('{} collate "C"').format(key) if is_text else key
        else:
            key = _metric_name(question, name)
        direction = "{} desc nulls last" if descends else "{} asc nulls last"
        keys.append(sql.SQL(direction).format(key))
    return sql.SQL("order by {}").format(comma(keys)) if keys else sql.SQL("")


def _metric_name(question: Question, name: str) -> sql.Identifier:
    names = [named.name for named in question.metrics]
    return sql.Identifier(f"m{names.index(name)}")


def _as_cte(name: sql.Composable, body: sql.Composable) -> sql.Composed:
    return sql.SQL("{} as ({})").format(name, body)


def _live_columns(sources: Sources) -> frozenset[str]:
    live = sources.part.dataset.live
    return live.columns if live else frozenset()


def _ctes(question: Question, sources: Sources) -> list[Cte]:
    found = live_ctes(sources, is_numbered=_is_numbered(sources))
    counts_people = _counts_people(sources) and sources.all
    grouped = _united(question, sources) if counts_people else _summed(question, sources)
    return [*found, (_grouped_name(sources), grouped)]


def _grouped_name(sources: Sources) -> sql.Identifier:
    return sql.Identifier(f"grouped_{sources.part.dataset.name}")


def _counts_people(sources: Sources) -> bool:
    return bool(sources.distinct) and sources.rollup is None


def _is_numbered(sources: Sources) -> bool:
    """Whether live visitors and built ones have to be told apart."""
    is_asked = any(metric.column == VISITOR for metric in sources.distinct)
    return is_asked and _counts_people(sources) and bool(sources.built)


def _merged(
    question: Question, all_sources: Sequence[Sources], dimensions: Sequence[sql.Identifier]
) -> sql.Composed:
    """The datasets side by side: a group that one of them lacks has zeros there."""
    sides = []
    for sources in all_sources:
        own = {metric.name for metric in sources.part.metrics}
        columns = [
            _metric_name(question, named.name)
            if named.name in own
            else sql.SQL("null::numeric as {}").format(_metric_name(question, named.name))
            for named in question.metrics
        ]
        sides.append(
            sql.SQL("select {} from {}").format(
                comma([*dimensions, *columns]), _grouped_name(sources)
            )
        )
    sums = [
        sql.SQL("coalesce(sum({0}), 0) as {0}").format(_metric_name(question, named.name))
        for named in question.metrics
    ]
    return sql.SQL("select true as is_row, {} from ({}) as sides {}").format(
        comma([*dimensions, *sums]),
        sql.SQL(" union all ").join(sides),
        group_by(dimensions),
    )


def _summed(question: Question, sources: Sources) -> sql.Composed:
    """Sums; visitors only where each row of the roll-up is a group, or unites nobody."""
    selects = []
    for source in sources.all:
        values = []
        for metric in sources.part.metrics:
            value = _summed_value(sources, source, metric)
            values.append(sql.SQL("{} as {}").format(value, _metric_name(question, metric.name)))
        groups = [sql.Literal(number + 1) for number in range(len(sources.dimensions))]
        selects.append(_select([*dimension_columns(sources, source), *values], source, groups))
    return _no_rows_else(question, sources, selects)


def _summed_value(sources: Sources, source: Source, metric: Metric) -> sql.Composable:
    if metric.aggregate == "distinct":
        if sources.needs_sets:  # united afterwards
            return sql.SQL("null::numeric")
        if source.kind == "rollup":
            return sql.SQL("sum(unique_visitors)")
        column = VISITOR if source.kind == "rows" else "visitor_id"
        return sql.SQL("count(distinct {})").format(sql.Identifier(column))
    if source.kind == "live" and not metric.is_live:
        return sql.SQL("null::numeric")
    return sql.SQL("sum({})").format(sql.Identifier(metric.column))


def _united(question: Question, sources: Sources) -> sql.Composed:
    """Sums and different visitors of rows: first of each visitor, who then is one row of a group.
    That takes a hash table; count(distinct) would sort all rows."""
    distinct = sources.distinct
    keys = [sql.Identifier(f"k{number}") for number in range(len(distinct))]
    sums = [metric for metric in sources.part.metrics if metric.aggregate == "sum"]
    selects = []
    for source in sources.all:
        columns = dimension_columns(sources, source)
        for key, metric in zip(keys, distinct, strict=True):
            columns.append(sql.SQL("{} as {}").format(_key(sources, source, metric), key))
        for metric in sums:
            is_there = source.kind != "live" or metric.is_live
            value = sql.Identifier(metric.column) if is_there else sql.SQL("null::numeric")
            columns.append(sql.SQL("{} as {}").format(value, _metric_name(question, metric.name)))
        is_numbered = source.kind == "live" and _is_numbered(sources)
        relation = numbered_live(sources) if is_numbered else source.relation
        selects.append(
            sql.SQL("select {} from {} where {}").format(
                comma(columns), relation, conjunction(source.where)
            )
        )
    dimensions = dimension_names(question)
    names = [_metric_name(question, metric.name) for metric in sums]
    visits = sql.SQL("select {} from ({}) as visits {}").format(
        comma([*dimensions, *keys, *(sql.SQL("sum({0}) as {0}").format(n) for n in names)]),
        sql.SQL(" union all ").join(selects),
        group_by([*dimensions, *keys]),
    )
    count = sql.SQL("count({})" if len(keys) == 1 else "count(distinct {})")
    counts = [
        sql.SQL("{} as {}").format(count.format(key), _metric_name(question, metric.name))
        for key, metric in zip(keys, distinct, strict=True)
    ]
    return sql.SQL("select {} from ({}) as people {}").format(
        comma([*dimensions, *(sql.SQL("sum({0}) as {0}").format(n) for n in names), *counts]),
        visits,
        group_by(dimensions),
    )


def _key(sources: Sources, source: Source, metric: Metric) -> sql.Composable:
    if source.kind != "live":
        return sql.Identifier(metric.column)
    if metric.column == VISITOR and not _is_numbered(sources):
        return sql.Identifier("visitor_id")
    if not metric.is_live:
        return sql.SQL("null")
    return sql.Identifier(metric.column)


def _select(
    columns: Sequence[sql.Composable], source: Source, groups: Sequence[sql.Composable]
) -> sql.Composed:
    return sql.SQL("select {} from {} where {} {}").format(
        comma(columns), source.relation, conjunction(source.where), group_by(groups)
    )


def _no_rows_else(
    question: Question, sources: Sources, selects: Sequence[sql.Composable]
) -> sql.Composed:
    """All of `selects`; with none of them, no day of the range has the dataset's metrics."""
    if selects:
        return sql.SQL(" union all ").join(selects)
    nothing = [
        sql.SQL("null::{} as {}").format(
            sql.SQL("date" if dimension.is_time else "text"), sql.Identifier(f"d{number}")
        )
        for number, dimension in enumerate(sources.dimensions)
    ]
    nothing += [
        sql.SQL("null::numeric as {}").format(_metric_name(question, metric.name))
        for metric in sources.part.metrics
    ]
    return sql.SQL("select {} where false").format(comma(nothing))
