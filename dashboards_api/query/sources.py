"""Chooses the rows that answer a question: the smallest roll-up that can, and live events."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from psycopg import sql

from dashboards_api.authorization import Visible
from dashboards_api.database import conjunction, fill
from dashboards_api.metrics.numbering import numbered
from dashboards_api.metrics.scopes import built_part, in_windows
from dashboards_api.query.catalog import VISITOR, Dataset, Dimension, Metric, RollUp
from dashboards_api.query.question import Condition, Part, Question, is_storable
from eventmill.core.days import DayWindow

Kind = Literal["rollup", "rows", "live"]
NOTHING = sql.SQL("false")


@dataclass(frozen=True, slots=True)
class Source:
    """Rows of one relation; `where` are the conditions that choose them."""

    kind: Kind
    relation: sql.Composable
    where: tuple[sql.Composable, ...]
    day: sql.Composable

    def expression(self, dimension: Dimension) -> sql.Composable:
        return _expression(dimension, self.day)


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that a part of a question is counted from. No event is in two of them."""

    part: Part
    dimensions: tuple[Dimension, ...]
    rollup: RollUp | None
    is_one_row_a_group: bool
    """Each row of the roll-up is a group by itself, so that its visitors need no union."""
    built: tuple[Source, ...]
    live: Source | None
    live_rows: sql.Composable

    @property
    def all(self) -> tuple[Source, ...]:
        return (*self.built, self.live) if self.live else self.built

    @property
    def distinct(self) -> list[Metric]:
        return [metric for metric in self.part.metrics if metric.aggregate == "distinct"]

    @property
    def visitor_metrics(self) -> list[Metric]:
        return [metric for metric in self.distinct if metric.column == VISITOR]

    @property
    def needs_sets(self) -> bool:
        """Whether visitors have to be united from sets that the roll-up has."""
        return bool(self.rollup and self.distinct and not self.is_one_row_a_group)

    @property
    def counts_people(self) -> bool:
        return bool(self.distinct) and self.rollup is None

    @property
    def is_numbered(self) -> bool:
        """Whether live visitors and built ones have to be told apart, row by row."""
        return self.counts_people and bool(self.visitor_metrics) and bool(self.built)

    def ctes(self, *, is_numbered: bool) -> list[sql.Composed]:
        """The live events, and the numbers of their visitors."""
        if self.live is None:
            return []
        found = [fill("{} as ({})", self.live.relation, self.live_rows)]
        visitors = self.part.dataset.visitors
        if is_numbered and visitors:
            people = fill("{} where {}", self.live.relation, conjunction(self.live.where))
            numbers = numbered(people, visitors=visitors.identifier)
            found.append(fill("{} as materialized ({})", self._numbered_name, numbers))
        return found

    @property
    def numbered_live(self) -> sql.Composed:
        """Live events with their visitors' numbers."""
        assert self.live is not None
        join = "{} inner join {} using (visitor_id)"
        return fill(join, self.live.relation, self._numbered_name)

    @property
    def _numbered_name(self) -> str:
        return f"numbered_{self.part.name}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A question in one snapshot, and the values that its statements bind.

    `live` are the days of the range that are not built.
    """

    question: Question
    visible: Visible
    live: list[DayWindow]
    has_built: bool
    use_rollups: bool = True
    values: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: object) -> sql.Placeholder:
        """Each value is bound under a name of its own."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return sql.Placeholder(name)

    def sources(self, part: Part) -> Sources:
        """Where `part` is counted from."""
        dataset = part.dataset
        dimensions = tuple(dataset.dimensions[named.name] for named in self.question.dimensions)
        filtered = [dataset.dimensions[one.dimension] for one in self.question.conditions]
        allowed, allowed_columns = self._allowed(part)
        needed = allowed_columns | {d.column for d in (*dimensions, *filtered) if d.column}
        rollup = None
        # "One of these assets or one of these projects" is found fastest in the table, by both of
        # its indexes: roll-ups of both, and what they lack, took 1.5 s where the table takes 0.2.
        if self.has_built and self.use_rollups and len(allowed_columns) < 2:
            fitting = (r for r in dataset.rollups if needed <= r.columns)
            rollup = next((r for r in fitting if all(map(r.has, part.metrics))), None)
        live: Source | None = None
        live_rows: sql.Composable = NOTHING
        if self.live and any(metric.is_live for metric in part.metrics):
            day = sql.Identifier("date")
            name = sql.Identifier(f"live_{part.name}")
            live_rows = self._live_rows(part, needed, allowed)
            live = Source("live", name, tuple(self._conditions(dataset, day)), day)
        is_by_day = any(d.name == "date" for d in dimensions) or len(self.question.days) == 1
        columns = {d.column for d in dimensions}
        return Sources(
            part=part,
            dimensions=dimensions,
            rollup=rollup,
            is_one_row_a_group=bool(rollup and is_by_day and rollup.columns <= columns),
            built=self._built(dataset, rollup, allowed, allowed_columns),
            live=live,
            live_rows=live_rows,
        )

    def _built(
        self,
        dataset: Dataset,
        rollup: RollUp | None,
        allowed: sql.Composable | None,
        allowed_columns: set[str],
    ) -> tuple[Source, ...]:
        if not self.has_built:
            return ()

        def source(
            kind: Kind, relation: sql.Composable, day: sql.Composable, *first: sql.Composable
        ) -> Source:
            days = self.question.days
            where = [fill("{} between {} and {}", day, self.bind(days.first), self.bind(days.last))]
            if self.live:
                # No index serves it: the range of days then is one stretch of the index.
                unbuilt = self.bind(built_part(days, self.live)["unbuilt"])
                where.append(fill("{} <> all({})", day, unbuilt))
            if dataset.models and self.question.model:
                model = self.bind(self.question.model)
                where.append(fill("{} = {}", dataset.models.column, model))
            own = [allowed] if allowed else []
            conditions = self._conditions(dataset, day)
            return Source(kind, relation, (*first, *where, *own, *conditions), day)

        table_day: sql.Composable = sql.Identifier(dataset.time)
        if dataset.time_is_moment:
            table_day = fill("({} at time zone 'UTC')::date", table_day)
        table = dataset.relation.identifier
        if rollup is None:
            return (source("rows", table, table_day),)
        rolled = source("rollup", rollup.relation.identifier, sql.Identifier("date"), rollup.rows)
        # A roll-up by asset has nothing of events without one.
        lacking = sorted(rollup.filled - self._without_null(dataset, allowed_columns))
        if not lacking:
            return (rolled,)
        is_null = sql.SQL(" or ").join([fill("{} is null", column) for column in lacking])
        return (rolled, source("rows", table, table_day, fill("({})", is_null)))

    def _live_rows(
        self, part: Part, needed: set[str], allowed: sql.Composable | None
    ) -> sql.Composed:
        """The live events that the caller may see, before any filter: whether all of them are
        classified decides whether filters can be trusted."""
        relation = part.dataset.live
        assert relation is not None
        columns = needed | {"date", "visitor_id", "is_classified"}
        columns |= {m.live_column for m in part.metrics if m.live_column}
        columns |= {m.flag for m in part.metrics if m.flag}
        windows, parameters = in_windows(self.live)
        # Bounds of days are constants of the plan, so that only their partitions are read.
        self.values.update(parameters)
        return fill(
            "select {} from {} where ({}) and {}",
            sorted(columns & relation.columns),
            relation.identifier,
            windows,
            allowed or sql.SQL("true"),
        )

    def _allowed(self, part: Part) -> tuple[sql.Composable | None, set[str]]:
        """The condition on rows that the caller may see, and the columns it is on."""
        if self.visible.everything:
            return None, set()
        dataset = part.dataset
        sides: list[sql.Composable] = []
        columns: set[str] = set()
        assets = self.visible.assets + (self.visible.licensed if part.is_open else [])
        own = ((dataset.assets, assets), (dataset.projects, self.visible.projects))
        for column, ids in own:
            if column is None or not ids:
                continue
            if any(_is_within(dataset, one, column, ids) for one in self.question.conditions):
                return None, set()
            sides.append(fill("{} = any({})", column, self.bind(list(ids))))
            columns.add(column)
        return fill("({})", sql.SQL(" or ").join(sides)) if sides else NOTHING, columns

    def _without_null(self, dataset: Dataset, allowed_columns: set[str]) -> set[str]:
        """The columns that are not null in any row of the answer."""
        filtered = {
            column
            for one in self.question.conditions
            if not one.lets_null_through and (column := dataset.dimensions[one.dimension].column)
        }
        return filtered | (allowed_columns if len(allowed_columns) == 1 else set())

    def _conditions(self, dataset: Dataset, day: sql.Composable) -> list[sql.Composable]:
        return [
            self.condition(_expression(dataset.dimensions[one.dimension], day), one)
            for one in self.question.conditions
        ]

    def condition(self, expression: sql.Composable, one: Condition) -> sql.Composable:
        """A filter in SQL. Its values are only ever bound; what PostgreSQL cannot hold is
        nowhere."""
        values = [value for value in one.values if is_storable(value)]
        if one.op == "contains":
            if not values:
                return NOTHING
            return fill("strpos({}, {}::text) > 0", expression, self.bind(values[0]))
        matches: list[sql.Composable] = []
        if values:
            kind = sql.SQL("date[]" if not isinstance(values[0], str) else "text[]")
            matches.append(fill("{} = any({}::{})", expression, self.bind(values), kind))
        if None in one.values:
            matches.append(fill("{} is null", expression))
        any_of = sql.SQL(" or ").join(matches) if matches else NOTHING
        return fill("not coalesce({}, false)" if one.is_negative else "({})", any_of)


def _expression(dimension: Dimension, day: sql.Composable) -> sql.Composable:
    if dimension.column:
        return sql.Identifier(dimension.column)
    if dimension.name == "date":
        return day
    return fill("date_trunc({}, {}::timestamp)::date", sql.Literal(dimension.name), day)


def _is_within(dataset: Dataset, one: Condition, column: str, ids: Sequence[str]) -> bool:
    """Whether the filter lets only rows of these ids through."""
    if dataset.dimensions[one.dimension].column != column or one.op not in ("is", "in"):
        return False
    return set(one.values) <= set(ids)
