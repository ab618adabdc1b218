"""A question: what a query's body asks for, checked against the catalog."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from dashboards_api.authorization import LICENSED_DIMENSIONS, LICENSED_NUMBERS
from dashboards_api.query.catalog import Dataset, Dimension, Metric
from dashboards_api.query.schemas import Operator
from eventmill.core.days import DayWindow
from eventmill.core.plain_json import text_problem

Value = str | date | None


def is_storable(value: Value) -> bool:
    """Whether it is a value that PostgreSQL can hold."""
    return value is not None and (not isinstance(value, str) or text_problem(value) is None)


@dataclass(frozen=True, slots=True)
class Named:
    """A metric or dimension, under the name that the caller gave it."""

    asked: str
    name: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter: what it compares is of these values, or contains the one; or the opposite."""

    dimension: str
    op: Operator
    values: tuple[Value, ...]

    @property
    def is_negative(self) -> bool:
        return self.op in ("is_not", "not_in")

    @property
    def lets_null_through(self) -> bool:
        return (None in self.values) != self.is_negative and self.op != "contains"


def _is_open(metric: Metric) -> bool:
    return metric.name in LICENSED_NUMBERS


@dataclass(frozen=True, slots=True)
class Part:
    """The metrics of one dataset; `is_open`: of all rows of assets that the caller licenses."""

    dataset: Dataset
    metrics: tuple[Metric, ...]
    is_open: bool = False

    @property
    def name(self) -> str:
        """Tells apart the relations of one statement."""
        return f"open_{self.dataset.name}" if self.is_open else self.dataset.name


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, checked against the catalog. `order` holds names of metrics and dimensions.

    Two questions of one catalog are equal if they ask the same: `parts`, `counted` and `formulas`
    follow from the rest. `counted` are the metrics that the database counts: those asked for, and
    for each formula those that it is made of. `formulas` are the formulas asked for.
    """

    parts: tuple[Part, ...] = field(compare=False)
    metrics: tuple[Named, ...]
    dimensions: tuple[Named, ...]
    conditions: tuple[Condition, ...]
    days: DayWindow
    order: tuple[tuple[str, bool], ...]
    limit: int
    offset: int
    model: str | None
    counted: tuple[Named, ...] = field(compare=False)
    formulas: tuple[Metric, ...] = field(compare=False)

    def metric(self, name: str) -> Metric:
        counted = (m for part in self.parts for m in part.metrics)
        return next(m for m in (*self.formulas, *counted) if m.name == name)

    def dimension(self, name: str) -> Dimension:
        return self.parts[0].dataset.dimensions[name]

    def column(self, name: str) -> str:
        """What a dimension (d0, d1, …) or metric (m0, m1, …) is called in SQL."""
        for kind, asked in (("d", self.dimensions), ("m", self.counted)):
            for number, one in enumerate(asked):
                if one.name == name:
                    return f"{kind}{number}"
        raise KeyError(name)

    def seen_with(self, licensed: bool) -> "Question":
        """The same for somebody who sees, of `licensed` assets, LICENSED_NUMBERS only."""
        names = {one.name for one in self.dimensions} | {one.dimension for one in self.conditions}
        if not licensed or not names <= LICENSED_DIMENSIONS:
            return self
        parts = [
            Part(part.dataset, metrics, is_open)
            for part in self.parts
            for is_open in (True, False)
            if (metrics := tuple(m for m in part.metrics if _is_open(m) == is_open))
        ]
        return replace(self, parts=tuple(parts))

    def columns(self, asked: Iterable[Named]) -> list[str]:
        return [self.column(one.name) for one in asked]
