"""Answering a question: which days are built, whose rows the caller sees, one page of rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from psycopg import AsyncConnection, errors

from dashboards_api.authorization import visible
from dashboards_api.database import STATEMENT_SECONDS, Pool, tuples
from dashboards_api.metrics.classification import Read, read_classified
from dashboards_api.metrics.queries import moment
from dashboards_api.metrics.scopes import PLATFORM, Scope
from dashboards_api.metrics.service import cover
from dashboards_api.query.answers import Column, Days, QueryAnswer, QueryMeta
from dashboards_api.query.question import Question
from dashboards_api.query.sources import Plan, Sources
from dashboards_api.query.statements import statement
from dashboards_api.query.unions import Key, united_visitors
from eventmill.core.errors import Unavailable
from eventmill.core.tokens import Caller

# To sort by visitors that are united here, all groups are held in memory: up to this many.
MOST_GROUPS = 100_000
TOO_MUCH = (
    f"the query took longer than {STATEMENT_SECONDS} s: ask for fewer days or dimensions, filter by"
    " asset or project, or leave out unique_visitors"
)
NEW = "a metric or dimension of the query is new, and no day has been built since it was added"
# The rows of `Visible`, in events.
OWN_ROWS = "(ip_asset_id = any(%(assets)s) or project_id = any(%(projects)s))"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Page:
    rows: list[Row]
    total: int
    has_unclassified: bool


@dataclass(slots=True)
class _Reading:
    """One question in one snapshot."""

    connection: AsyncConnection
    plan: Plan
    question: Question

    async def page(self) -> _Page:
        all_sources = [self.plan.sources(part) for part in self.question.parts]
        united = [sources for sources in all_sources if sources.needs_sets]
        late = {metric.name for sources in united for metric in sources.visitor_metrics}
        late |= {
            one.name for one in self.question.formulas if not late.isdisjoint(one.formula_names)
        }
        if any(name in late for name, _ in self.question.order):
            page = await self._rows(all_sources, everything=MOST_GROUPS)
            if page.total > MOST_GROUPS:  # the database counts and sorts
                self.plan = replace(self.plan, use_rollups=False, values={})
                page = await self._rows([self.plan.sources(part) for part in self.question.parts])
                self._work_out(page)
                return page
            await self._unite(page, united, groups=None)
            self._work_out(page)
            return replace(page, rows=self._sorted(page.rows))
        page = await self._rows(all_sources)
        if united and page.rows:
            is_all = page.total == len(page.rows)
            await self._unite(page, united, None if is_all else [*map(self._key, page.rows)])
        self._work_out(page)
        return page

    async def _rows(self, all_sources: Sequence[Sources], everything: int | None = None) -> _Page:
        query = statement(self.plan, all_sources, everything=everything)
        found = await tuples(self.connection, query, self.plan.values)
        total, has_unclassified = found[0][:2] if found else (0, False)
        names = [one.name for one in (*self.question.dimensions, *self.question.counted)]
        rows = [dict(zip(names, row[3:], strict=True)) for row in found if row[2]]
        return _Page(rows, total, has_unclassified)

    async def _unite(
        self, page: _Page, united: Sequence[Sources], groups: list[Key] | None
    ) -> None:
        for sources in united:
            found = await united_visitors(self.connection, self.plan, sources, groups)
            for row in page.rows:
                for metric in sources.visitor_metrics:
                    row[metric.name] = found.get(self._key(row), 0)

    def _work_out(self, page: _Page) -> None:
        for row in page.rows:
            for one in self.question.formulas:
                if one.formula:
                    row[one.name] = one.formula.value(row)

    def _key(self, row: Row) -> Key:
        return tuple(row[one.name] for one in self.question.dimensions)

    def _sorted(self, rows: list[Row]) -> list[Row]:
        """The page of all rows, in the order that the database would give."""
        for name, descends in reversed(self.question.order):
            given = [row for row in rows if row[name] is not None]
            given.sort(key=lambda row: row[name], reverse=descends)
            rows = given + [row for row in rows if row[name] is None]
        return rows[self.question.offset :][: self.question.limit]


async def answer(pool: Pool, caller: Caller, question: Question) -> QueryAnswer:
    """The rows of `question` that `caller` may see. Raises Unavailable for too much work."""

    async def read(connection: AsyncConnection) -> Read[QueryAnswer]:
        now = await moment(connection)
        sees = await visible(connection, caller)
        seen = question.seen_with(licensed=bool(sees.licensed))
        own = {"assets": sees.assets + sees.licensed, "projects": sees.projects}
        scope = PLATFORM if sees.everything else Scope(OWN_ROWS, parameters=own)
        coverage = await cover(connection, question.days, now)
        live = coverage.live
        plan = Plan(seen, sees, live, has_built=bool(coverage.built))
        try:
            page = await _Reading(connection, plan, seen).page()
        except errors.QueryCanceled:
            raise Unavailable(TOO_MUCH) from None
        except errors.UndefinedColumn:
            raise Unavailable(NEW) from None
        is_lacking = not all(metric.is_live for part in question.parts for metric in part.metrics)
        not_built = [Days(start=w.first, end=w.last) for w in live if is_lacking]
        meta = QueryMeta(**dict(coverage.meta()), not_built=not_built)
        unclassified = live if page.has_unclassified else []
        return Read(_answer(question, page, meta), scope, unclassified)

    return await read_classified(pool, read)


def _answer(question: Question, page: _Page, meta: QueryMeta) -> QueryAnswer:
    dimensions = [(one, question.dimension(one.name)) for one in question.dimensions]
    metrics = [(one, question.metric(one.name)) for one in question.metrics]
    columns = [Column(name=o.asked, kind="dimension", type=found.type) for o, found in dimensions]
    columns += [Column(name=o.asked, kind="metric", type=found.type) for o, found in metrics]

    def shown(row: Row) -> Row:
        values = {one.asked: row[one.name] for one, _ in dimensions}
        answered = {n: v.isoformat() if isinstance(v, date) else v for n, v in values.items()}
        for one, metric in metrics:
            value = row[one.name]
            # A quotient by 0 is none.
            answered[one.asked] = (
                None if value is None else (int if metric.is_whole else float)(value)
            )
        return answered

    return QueryAnswer(
        metrics=[one.asked for one in question.metrics],
        dimensions=[one.asked for one in question.dimensions],
        columns=columns,
        rows=[shown(row) for row in page.rows],
        total_rows=page.total,
        limit=question.limit,
        offset=question.offset,
        attribution_model=question.model,
        range=Days(start=question.days.first, end=question.days.last),
        meta=meta,
    )
