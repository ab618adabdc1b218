"""The metrics and dimensions of dbt's semantic models, read from its manifest.

An analyst writes them in `dbt_project/models/metrics.yml`. The macros of
`dbt_project/macros/definitions/traffic.sql` make the columns that are read here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from eventmill.core.formula import Formula
from eventmill.core.patterns import Pattern

Node = Mapping[str, Any]
VISITOR_ID = "visitor_id"
# A distinct count is of a column, or of a column's values in some events.
CASE = Pattern(r"(?s)\s*case\s+when\s.+\sthen\s+(\w+)\s+end\s*", ignore_case=True)


class MistakeInMetadata(Exception):
    """What an analyst wrote does not hold together; says where."""


@dataclass(frozen=True, slots=True)
class DescribedDimension:
    """What rows are grouped by; `column` holds it."""

    name: str
    description: str
    column: str


@dataclass(frozen=True, slots=True)
class DescribedMetric:
    """A number. `sum`: of `column`. `distinct`: how many values `column` has, in rows whose column
    `flag` is not 0. `formula`: made of other metrics. `roles` may see it; None: all."""

    name: str
    description: str
    aggregate: Literal["sum", "distinct", "formula"]
    column: str = ""
    flag: str | None = None
    formula: Formula | None = None
    roles: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SemanticModel:
    """One semantic model. `added` are the columns that it makes, which no .yml of a model has."""

    dimensions: tuple[DescribedDimension, ...]
    metrics: tuple[DescribedMetric, ...]
    added: frozenset[str]


def semantic_model(manifest: Node, name: str) -> SemanticModel | None:
    """The semantic model of that name. Raises MistakeInMetadata."""
    found = [one for one in manifest.get("semantic_models", {}).values() if one["name"] == name]
    return _Reader(manifest, found[0]).read() if found else None


class _Reader:
    def __init__(self, manifest: Node, model: Node) -> None:
        self.model = model
        [rows] = model["depends_on"]["nodes"]
        self.own: Mapping[str, Node] = manifest["nodes"][rows]["columns"]
        self.measures = {one["name"]: one for one in model["measures"]}
        self.metrics = {one["name"]: one for one in manifest.get("metrics", {}).values()}
        self.added: set[str] = set()

    def read(self) -> SemanticModel:
        dimensions = tuple(self._dimensions())
        return SemanticModel(dimensions, tuple(self._metrics()), frozenset(self.added))

    def _dimensions(self) -> Iterator[DescribedDimension]:
        for one in self.model["dimensions"]:
            if one["type"] == "categorical":
                name, expression = one["name"], _expression(one)
                column = expression if expression in self.own else name
                if column != expression:
                    self._add(column)
                yield DescribedDimension(name, _text(one), column)

    def _metrics(self) -> Iterator[DescribedMetric]:
        for metric in self.metrics.values():
            if metric["type"] == "simple":
                measure = metric["type_params"]["measure"]
                if measure["name"] in self.measures:
                    yield self._simple(metric, self.measures[measure["name"]])
            elif metric["type"] not in ("ratio", "derived"):
                raise MistakeInMetadata(
                    f"metric {metric['name']!r}: type is {metric['type']!r}, use simple, ratio or"
                    " derived"
                )
            elif self._measures_of(metric["name"]) & self.measures.keys():
                yield self._made_of_others(metric)

    def _measures_of(self, name: str) -> set[str]:
        """The measures that a metric is made of in the end."""
        metric = self.metrics[name]
        if metric["type"] == "simple":
            return {metric["type_params"]["measure"]["name"]}
        return {m for one in _inputs(metric) for m in self._measures_of(one["name"])}

    def _simple(self, metric: Node, measure: Node) -> DescribedMetric:
        name, expression = metric["name"], _expression(measure)
        filters = (metric["filter"], metric["type_params"]["measure"]["filter"])
        is_plain = not any(one and one["where_filters"] for one in filters)
        is_plain &= expression in self.own and measure["agg"] in ("sum", "count_distinct")
        if not is_plain:
            self._add(name)
        if measure["agg"] != "count_distinct":
            column = expression if is_plain else name
            return DescribedMetric(name, _text(metric), "sum", column, roles=self._roles(metric))
        case = CASE.fullmatch(expression)
        column = case[1] if case else expression
        if column not in self.countable:
            raise MistakeInMetadata(
                f"measure {measure['name']!r}: count_distinct counts {VISITOR_ID} or the column of"
                f" a dimension, or `case when … then` one of them `end`, not {expression!r}"
            )
        flag = None if is_plain else name
        return DescribedMetric(
            name, _text(metric), "distinct", column, flag, roles=self._roles(metric)
        )

    @property
    def countable(self) -> set[str]:
        columns = {_expression(one) for one in self.model["dimensions"]}
        return {VISITOR_ID, *(columns & self.own.keys())}

    def _add(self, column: str) -> None:
        if column in self.own or column in self.added:
            raise MistakeInMetadata(f"{column!r}: there is a column of that name already")
        self.added.add(column)

    def _made_of_others(self, metric: Node) -> DescribedMetric:
        try:
            formula = Formula(self._formula(metric))
        except ValueError as error:
            raise MistakeInMetadata(f"metric {metric['name']!r}: {error}") from None
        return DescribedMetric(
            metric["name"], _text(metric), "formula", formula=formula, roles=self._roles(metric)
        )

    def _formula(self, metric: Node) -> str:
        """Over simple metrics alone."""
        if metric["type"] == "simple":
            return str(metric["name"])
        where = f"metric {metric['name']!r}"
        if metric["filter"]:
            raise MistakeInMetadata(f"{where}: filter the metrics that it is made of")
        inputs: dict[str, str] = {}
        for one in _inputs(metric):
            if one.get("filter") or one.get("offset_window") or one.get("offset_to_grain"):
                raise MistakeInMetadata(f"{where}: {one['name']!r} has a filter or an offset here")
            inputs[one.get("alias") or one["name"]] = self._formula(self.metrics[one["name"]])
        text = " / ".join(inputs) if metric["type"] == "ratio" else metric["type_params"]["expr"]
        if unknown := set(Formula(text).names) - inputs.keys():
            raise MistakeInMetadata(f"{where}: {min(unknown)!r} is not among its metrics")
        return re.sub(r"\b[A-Za-z_]\w*\b", lambda name: f"({inputs[name[0]]})", text)

    def _roles(self, metric: Node) -> tuple[str, ...] | None:
        """Who may see a metric may see all that it is made of."""
        meta = {**(metric.get("meta") or {}), **((metric.get("config") or {}).get("meta") or {})}
        inputs = () if metric["type"] == "simple" else _inputs(metric)
        all_roles = [meta.get("roles"), *(self._roles(self.metrics[m["name"]]) for m in inputs)]
        given = [set(roles) for roles in all_roles if roles is not None]
        return tuple(sorted(set.intersection(*given))) if given else None


def _inputs(metric: Node) -> Sequence[Node]:
    given = metric["type_params"]
    if metric["type"] == "ratio":
        return [given["numerator"], given["denominator"]]
    found: Sequence[Node] = given["metrics"] or []
    return found


def _expression(part: Node) -> str:
    return str(part.get("expr") or part["name"])


def _text(part: Node) -> str:
    return " ".join((part.get("description") or part.get("label") or part["name"]).split())
