"""Chooses the rows that answer a question: the smallest roll-up that can, and live events."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from psycopg import sql

from dashboards_api.authorization import Visible
from dashboards_api.metrics.scopes import built_part, in_windows
from dashboards_api.query.catalog import Dataset, Dimension, Metric, RollUp
from dashboards_api.query.question import Condition, Part, Question, Value
from eventmill.core.days import DayWindow

Kind = Literal["rollup", "rows", "live"]
NOTHING = sql.SQL("false")


class Bound:
    """The values of a query, each bound under a name of its own."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def __call__(self, value: object) -> sql.Placeholder:
        name = f"p{len(self.values)}"
        self.values[name] = value
        return sql.Placeholder(name)


@dataclass(frozen=True, slots=True)
class Source:
    """Rows of one relation; `where` are the conditions that choose them."""

    kind: Kind
    relation: sql.Composable
    where: tuple[sql.Composable, ...]
    day: sql.Composable

    def expression(self, dimension: Dimension) -> sql.Composable:
        if dimension.column:
            return sql.Identifier(dimension.column)
        if dimension.name == "date":
            return self.day
        return sql.SQL("date_trunc({}, {}::timestamp)::date").format(
            sql.Literal(dimension.name), self.day
        )


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that a part of a question is counted from. No event is in two of them."""

    part: Part
    dimensions: tuple[Dimension, ...]
    built: tuple[Source, ...]
    live: Source | None
    live_rows: sql.Composable | None
    rollup: RollUp | None
    is_one_row_a_group: bool
    conditions: tuple[Condition, ...] = field(default=())

    @property
    def all(self) -> tuple[Source, ...]:
        return (*self.built, self.live) if self.live else self.built

    @property
    def distinct(self) -> list[Metric]:
        return [metric for metric in self.part.metrics if metric.aggregate == "distinct"]

    @property
    def needs_sets(self) -> bool:
        """Whether visitors have to be united from sets that the roll-up has."""
        return bool(self.rollup and self.distinct and not self.is_one_row_a_group)


def sources_of(
    part: Part,
    question: Question,
    visible: Visible,
    live: Sequence[DayWindow],
    bound: Bound,
    *,
    has_built: bool,
    use_rollups: bool = True,
) -> Sources:
    """Where `part` is counted from; `live` are the days of the range that are not built."""
    dataset = part.dataset
    dimensions = tuple(dataset.dimensions[named.name] for named in question.dimensions)
    allowed, allowed_columns = _allowed(dataset, visible, question.conditions, bound)
    needed = {d.column for d in dimensions if d.column} | allowed_columns
    needed |= {c for one in question.conditions if (c := dataset.dimensions[one.dimension].column)}
    rollup = None
    built: list[Source] = []
    if has_built:
        # "One of these assets or one of these projects" is found fastest in the table, by both of
        # its indexes: roll-ups of both, and what they lack, took 1.5 s where the table takes 0.2.
        if use_rollups and len(allowed_columns) < 2:
            rollup = next(
                (
                    r
                    for r in dataset.rollups
                    if needed <= r.columns and all(map(r.has, part.metrics))
                ),
                None,
            )
        built = _built(dataset, rollup, question, allowed, allowed_columns, list(live), bound)
    live_source = live_rows = None
    if live and any(metric.is_live for metric in part.metrics):
        live_rows = _live_rows(part, needed, allowed, live, bound)
        name = sql.Identifier(f"live_{dataset.name}")
        where = _conditions(dataset, question.conditions, sql.Identifier("date"), bound)
        live_source = Source("live", name, tuple(where), sql.Identifier("date"))
    return Sources(
        part=part,
        dimensions=dimensions,
        built=tuple(built),
        live=live_source,
        live_rows=live_rows,
        rollup=rollup,
        is_one_row_a_group=rollup is not None and _is_one_row_a_group(rollup, dimensions, question),
        conditions=question.conditions,
    )


def _built(
    dataset: Dataset,
    rollup: RollUp | None,
    question: Question,
    allowed: sql.Composable | None,
    allowed_columns: set[str],
    live: list[DayWindow],
    bound: Bound,
) -> list[Source]:
    day: sql.Composable = sql.Identifier("date" if rollup else dataset.time)
    table_day: sql.Composable = sql.Identifier(dataset.time)
    if dataset.time_is_moment:
        table_day = sql.SQL("({} at time zone 'UTC')::date").format(table_day)
    found = []

    def source(kind: Kind, relation: sql.Composable, day: sql.Composable) -> Source:
        first, last = bound(question.days.first), bound(question.days.last)
        where: list[sql.Composable] = []
        where.append(sql.SQL("{} between {} and {}").format(day, first, last))
        if live:
            # No index serves it: the range of days then is one stretch of the index.
            unbuilt = built_part(question.days, live)["unbuilt"]
            where.append(sql.SQL("{} <> all({})").format(day, bound(unbuilt)))
        if dataset.models and question.model:
            column = sql.Identifier(dataset.models.column)
            where.append(sql.SQL("{} = {}").format(column, bound(question.model)))
        where += [allowed] if allowed else []
        where += _conditions(dataset, question.conditions, day, bound)
        return Source(kind, relation, tuple(where), day)

    if rollup is None:
        return [source("rows", dataset.relation.identifier, table_day)]
    rolled = source("rollup", rollup.relation.identifier, day)
    found.append(Source("rollup", rolled.relation, (rollup.rows, *rolled.where), rolled.day))
    # A roll-up by asset has nothing of events without one.
    without_null = _without_null(dataset, question.conditions, allowed_columns)
    if lacking := sorted(rollup.filled - without_null):
        rest = source("rows", dataset.relation.identifier, table_day)
        is_null = sql.SQL(" or ").join(
            sql.SQL("{} is null").format(sql.Identifier(column)) for column in lacking
        )
        where = (sql.SQL("({})").format(is_null), *rest.where)
        found.append(Source("rows", rest.relation, where, rest.day))
    return found


def _live_rows(
    part: Part,
    needed: set[str],
    allowed: sql.Composable | None,
    live: Sequence[DayWindow],
    bound: Bound,
) -> sql.Composable:
    """The live events that the caller may see, before any filter: whether all of them are
    classified decides whether filters can be trusted."""
    relation = part.dataset.live
    assert relation is not None
    columns = needed | {"date", "visitor_id", "is_classified"}
    columns |= {metric.live_column for metric in part.metrics if metric.live_column}
    windows, parameters = in_windows(live)
    # Bounds of days are constants of the plan, so that only their partitions are read.
    bound.values.update(parameters)
    return sql.SQL("select {} from {} where ({}) and {}").format(
        sql.SQL(", ").join(sql.Identifier(c) for c in sorted(columns & relation.columns)),
        relation.identifier,
        windows,
        allowed or sql.SQL("true"),
    )


def _allowed(
    dataset: Dataset, visible: Visible, conditions: Sequence[Condition], bound: Bound
) -> tuple[sql.Composable | None, set[str]]:
    """The condition on rows that the caller may see, and the columns it is on."""
    if visible.everything:
        return None, set()
    sides: list[sql.Composable] = []
    columns: set[str] = set()
    for column, ids in ((dataset.assets, visible.assets), (dataset.projects, visible.projects)):
        if column is None or not ids:
            continue
        if any(_is_within(dataset, one, column, ids) for one in conditions):
            return None, set()
        sides.append(sql.SQL("{} = any({})").format(sql.Identifier(column), bound(list(ids))))
        columns.add(column)
    return sql.SQL("({})").format(sql.SQL(" or ").join(sides)) if sides else NOTHING, columns


def _is_within(dataset: Dataset, one: Condition, column: str, ids: Sequence[str]) -> bool:
    """Whether the filter lets only rows of these ids through."""
    if dataset.dimensions[one.dimension].column != column or one.op not in ("is", "in"):
        return False
    return set(one.values) <= set(ids)


def _without_null(
    dataset: Dataset, conditions: Sequence[Condition], allowed_columns: set[str]
) -> set[str]:
    """The columns that are not null in any row of the answer."""
    filtered = {
        column
        for one in conditions
        if not one.lets_null_through and (column := dataset.dimensions[one.dimension].column)
    }
    return filtered | (allowed_columns if len(allowed_columns) == 1 else set())


def _is_one_row_a_group(
    rollup: RollUp, dimensions: Sequence[Dimension], question: Question
) -> bool:
    """Whether each row of the roll-up is a group by itself, so that its visitors need no union."""
    is_by_day = any(d.name == "date" for d in dimensions) or len(question.days) == 1
    return is_by_day and rollup.columns <= {d.column for d in dimensions}


def _conditions(
    dataset: Dataset, conditions: Sequence[Condition], day: sql.Composable, bound: Bound
) -> list[sql.Composable]:
    source = Source("rows", sql.SQL(""), (), day)
    return [
        condition(source.expression(dataset.dimensions[one.dimension]), one, bound)
        for one in conditions
    ]


def condition(expression: sql.Composable, one: Condition, bound: Bound) -> sql.Composable:
    """A filter in SQL. Its values are only ever bound; what PostgreSQL cannot hold is nowhere."""
    values = [value for value in one.values if value is not None and is_storable(value)]
    if one.op == "contains":
        if not values:
            return NOTHING
        return sql.SQL("strpos({}, {}::text) > 0").format(expression, bound(values[0]))
    matches: list[sql.Composable] = []
    if values:
        kind = sql.SQL("date[]" if not isinstance(values[0], str) else "text[]")
        matches.append(sql.SQL("{} = any({}::{})").format(expression, bound(values), kind))
    if None in one.values:
        matches.append(sql.SQL("{} is null").format(expression))
    any_of = sql.SQL(" or ").join(matches) if matches else NOTHING
    if one.is_negative:
        return sql.SQL("not coalesce({}, false)").format(any_of)
    return sql.SQL("({})").format(any_of)


def is_storable(value: Value) -> bool:
    if not isinstance(value, str):
        return True
    try:
        return b"\x00" not in value.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
