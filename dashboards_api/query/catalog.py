"""What can be asked: the datasets, metrics and dimensions that analysts describe in dbt.

A model with `query` in its meta is a dataset. Its dimensions and metrics are those of the semantic
model of the dataset's name, and its own columns that have `query` in their meta. Names of relations
and columns in a query's SQL come from here and from nowhere else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from psycopg import sql

from eventmill.core.formula import Formula

Aggregate = Literal["sum", "distinct", "formula"]
TIME_DIMENSIONS = {
    "date": "UTC day.",
    "week": "First day, a Monday, of the ISO week that the UTC day lies in.",
    "month": "First day of the month that the UTC day lies in.",
}
# The column of visitors' numbers (marts.visitors), of which roll-ups have sets.
VISITOR = "visitor_number"
# What people call a dimension besides its name and its column's.
ALIASES = {
    "asset_id": "asset",
    "ip_asset_id": "asset",
    "project_id": "project",
    "creator_id": "creator",
    "brand_id": "brand",
    "device_type": "device",
    "utm_source": "source",
    "utm_medium": "medium",
    "utm_campaign": "campaign",
}


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view, and its columns as dbt documents them."""

    schema: str
    name: str
    columns: frozenset[str]

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)


@dataclass(frozen=True, slots=True)
class Dimension:
    """What rows are grouped by. `column` is none for a day, week or month."""

    name: str
    description: str
    column: str | None = None

    @property
    def is_time(self) -> bool:
        return self.column is None

    @property
    def type(self) -> Literal["text", "date"]:
        return "date" if self.is_time else "text"


@dataclass(frozen=True, slots=True)
class Metric:
    """What is counted: the sum of a column, how many different values it has, or a formula.

    `live_column` is that of live rows; None: days that are not built do not have it. If there is a
    `flag`, only rows count in which that column is not 0. `roles` may ask for it; None: all.
    """

    name: str
    description: str
    column: str
    aggregate: Aggregate
    is_whole: bool
    live_column: str | None
    flag: str | None = None
    formula: Formula | None = None
    roles: tuple[str, ...] | None = None

    @property
    def is_live(self) -> bool:
        return self.live_column is not None

    @property
    def formula_names(self) -> list[str]:
        """The metrics that a formula is made of; of others none."""
        return self.formula.names if self.formula else []

    @property
    def adds_up(self) -> bool:
        return self.aggregate == "sum"

    @property
    def type(self) -> Literal["integer", "number"]:
        return "integer" if self.is_whole else "number"


@dataclass(frozen=True, slots=True)
class RollUp:
    """Rows of `relation` that are one day's totals by `columns`, where none of `filled` is null.

    Its sets of visitors are in a column `visitors` and their sizes in `unique_visitors`.
    """

    relation: Relation
    rows: sql.Composable
    columns: frozenset[str]
    filled: frozenset[str] = frozenset()

    def has(self, metric: Metric) -> bool:
        if metric.flag:
            return False
        if metric.aggregate == "distinct":
            return metric.column == VISITOR and "visitors" in self.relation.columns
        return metric.column in self.relation.columns


@dataclass(frozen=True, slots=True)
class Models:
    """The models of attribution: the column that tells them apart, their names, the default."""

    column: str
    names: tuple[str, ...]
    default: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """One table that can be asked. `live` has the events of days that are not built yet."""

    name: str
    description: str
    relation: Relation
    time: str
    time_is_moment: bool
    assets: str | None
    projects: str | None
    live: Relation | None
    visitors: Relation | None
    rollups: tuple[RollUp, ...]
    models: Models | None
    dimensions: Mapping[str, Dimension]
    metrics: Mapping[str, Metric]

    def alias(self, name: str) -> str | None:
        """The dimension that `name`, an alias or a column, stands for."""
        if (known := ALIASES.get(name)) in self.dimensions:
            return known
        columns = {d.column: d.name for d in self.dimensions.values() if d.column}
        return columns.get(name)

    def aliases(self, dimension: Dimension) -> list[str]:
        """The other names of a dimension."""
        names = {*ALIASES, dimension.column} - {dimension.name, None}
        return sorted(str(name) for name in names if self.alias(str(name)) == dimension.name)


@dataclass(frozen=True, slots=True)
class Catalog:
    """All datasets by name, and whose each metric is: no two datasets have one of the same name."""

    datasets: Mapping[str, Dataset]
    version: str = ""
    metrics: Mapping[str, Dataset] = field(init=False)

    def __post_init__(self) -> None:
        owners = {name: data for data in self.datasets.values() for name in data.metrics}
        object.__setattr__(self, "metrics", owners)

    def seen_by(self, role: str) -> "Catalog":
        """What somebody of `role` may ask for."""
        datasets = {}
        for name, dataset in self.datasets.items():
            metrics = {
                n: m for n, m in dataset.metrics.items() if m.roles is None or role in m.roles
            }
            datasets[name] = replace(dataset, metrics=metrics)
        return Catalog(datasets, self.version)

    def dimensions(self) -> dict[str, list[str]]:
        """Every dimension and the datasets that have it."""
        found: dict[str, list[str]] = {}
        for dataset in self.datasets.values():
            for name in dataset.dimensions:
                found.setdefault(name, []).append(dataset.name)
        return found

    def models(self) -> Iterator[Models]:
        return (dataset.models for dataset in self.datasets.values() if dataset.models)
