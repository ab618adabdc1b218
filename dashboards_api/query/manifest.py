"""dbt's manifest → the catalog. Read again when the file changes, so no release is needed."""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from psycopg import sql

from dashboards_api.database import fill
from dashboards_api.query.catalog import (
    TIME_DIMENSIONS,
    VISITOR,
    Catalog,
    Dataset,
    Dimension,
    Metric,
    Models,
    Relation,
    RollUp,
)
from eventmill.core.errors import Unavailable
from eventmill.core.metrics import (
    VISITOR_ID,
    DescribedMetric,
    MistakeInMetadata,
    SemanticModel,
    semantic_model,
)
from eventmill.core.settings import get_settings

log = logging.getLogger(__name__)
MISSING = (
    "there is no description of the metrics yet: `eventmill up` writes it, and so does"
    " `eventmill backfill START END`"
)
# The rows of an entity in int_entity_days: these ids are given and the others are null.
ENTITIES = ((), ("project_id",), ("ip_asset_id",), ("project_id", "ip_asset_id"))
ENTITY_IDS = ("project_id", "ip_asset_id", "license_id")
# An entity whose day has only bots' events has a row too, and traffic has none.
NOT_BOTS_ALONE = """(
    bot_events = 0
    or greatest(unique_visitors, views, clicks, conversions, revenue_cents, engagement_time) > 0
)"""

NOTHING_MORE = SemanticModel((), (), frozenset())

Node = Mapping[str, Any]


class Manifest:
    """One manifest file, parsed once for each version of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._version: tuple[int, int, int] | None = None
        self._catalog: Catalog | None = None

    def catalog(self) -> Catalog:
        """Blocks while the file is read. Raises Unavailable where there is none that can be."""
        with self._lock:
            try:
                stat = self.path.stat()
                version = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
                if version != self._version:
                    manifest = json.loads(self.path.read_bytes())
                    self._catalog = read_catalog(manifest, str(version))
                    self._version = version
            except FileNotFoundError:
                raise Unavailable(MISSING) from None
            except MistakeInMetadata as error:
                raise Unavailable(f"the metrics' description in dbt is wrong: {error}") from None
            except (ValueError, KeyError, OSError) as error:
                # dbt may be half-way through writing it: the description before it still holds.
                log.warning("%s cannot be read: %s", self.path, error)
                if self._catalog is None:
                    raise Unavailable(MISSING) from error
            assert self._catalog is not None
            return self._catalog


_manifests: dict[Path, Manifest] = {}


async def current_catalog() -> Catalog:
    """The catalog of this system's manifest. Raises Unavailable."""
    path = get_settings().manifest_dir / "manifest.json"
    manifest = _manifests.setdefault(path, Manifest(path))
    return await asyncio.to_thread(manifest.catalog)


def read_catalog(manifest: Node, version: str = "") -> Catalog:
    """The queryable models of a parsed manifest.json. Raises MistakeInMetadata."""
    nodes = {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] == "model"}
    datasets: dict[str, Dataset] = {}
    for node in nodes.values():
        if (meta := _query_meta(node)) is not None:
            semantic = semantic_model(manifest, meta["dataset"]) if "dataset" in meta else None
            dataset = _dataset(node, meta, nodes, semantic or NOTHING_MORE)
            _refuse_twice(dataset, datasets)
            datasets[dataset.name] = dataset
    return Catalog(datasets, version)


def _refuse_twice(dataset: Dataset, others: Mapping[str, Dataset]) -> None:
    if dataset.name in others:
        raise MistakeInMetadata(f"two models are the dataset {dataset.name!r}")
    for other in others.values():
        if twice := dataset.metrics.keys() & other.metrics.keys():
            raise MistakeInMetadata(
                f"{dataset.name!r} and {other.name!r} both have a metric {min(twice)!r}"
            )


def _dataset(node: Node, meta: Node, nodes: Mapping[str, Node], semantic: SemanticModel) -> Dataset:
    where = f"model {node['name']}"
    columns: Mapping[str, Node] = node["columns"]
    for key in ("time", "assets", "projects"):
        if meta.get(key) is not None and meta[key] not in columns:
            raise MistakeInMetadata(f"{where}: {key} is {meta[key]!r}, which is no column of it")
    if "dataset" not in meta or "time" not in meta:
        raise MistakeInMetadata(f"{where}: its query meta needs `dataset` and `time`")
    time = meta["time"]
    dimensions = {name: Dimension(name, text) for name, text in TIME_DIMENSIONS.items()}
    metrics: dict[str, Metric] = {}
    live = _named(nodes, meta, "live", where, semantic.added)
    models = None
    for one in semantic.dimensions:
        dimensions[one.name] = Dimension(one.name, one.description, one.column)
    for name, column in columns.items():
        asked = _query_meta(column) or {}
        text = " ".join((asked.get("label") or column.get("description") or "").split())
        if "dimension" in asked and name != time:
            dimensions[asked["dimension"]] = Dimension(asked["dimension"], text, name)
        elif "metric" in asked:
            metrics[asked["metric"]] = _metric(f"{where}, column {name}", asked, column, text, live)
        elif "models" in asked:
            models = Models(name, tuple(asked["models"]), asked["default"])
    relation = _relation(node, semantic.added)
    for described in semantic.metrics:
        metrics[described.name] = _described(where, described, relation, live)
    if both := metrics.keys() & dimensions.keys():
        raise MistakeInMetadata(f"{where}: {min(both)!r} is a metric and a dimension")
    return Dataset(
        name=meta["dataset"],
        description=" ".join((node.get("description") or "").split()),
        relation=relation,
        time=time,
        time_is_moment=str(columns[time].get("data_type")).startswith("timestamp"),
        assets=meta.get("assets"),
        projects=meta.get("projects"),
        live=live,
        visitors=_relation(nodes["visitors"]) if "visitors" in nodes else None,
        rollups=tuple(_rollups(nodes, meta, where, semantic.added)),
        models=models,
        dimensions=dimensions,
        metrics=metrics,
    )


def _metric(
    where: str, asked: Node, column: Node, description: str, live: Relation | None
) -> Metric:
    aggregate = asked.get("aggregate", "sum")
    if aggregate not in ("sum", "distinct"):
        raise MistakeInMetadata(f"{where}: aggregate is {aggregate!r}, use sum or distinct")
    kind = str(column.get("data_type") or "bigint")
    is_whole = aggregate == "distinct" or kind.startswith(("bigint", "integer", "smallint"))
    name = column["name"]
    # Live visitors have no number yet: they are told apart by their id.
    live_name = "visitor_id" if name == VISITOR else name
    is_live = live is not None and live_name in live.columns
    live_column = live_name if is_live else None
    return Metric(asked["metric"], description, name, aggregate, is_whole, live_column)


def _described(
    where: str, one: DescribedMetric, relation: Relation, live: Relation | None
) -> Metric:
    if one.formula:
        return Metric(
            one.name,
            one.description,
            "",
            "formula",
            False,
            "",
            formula=one.formula,
            roles=one.roles,
        )
    column = VISITOR if one.column == VISITOR_ID else one.column
    if lacking := {column, one.flag or column} - relation.columns:
        raise MistakeInMetadata(f"{where}: metric {one.name!r} needs its column {min(lacking)!r}")
    return Metric(
        name=one.name,
        description=one.description,
        column=column,
        aggregate=one.aggregate,
        is_whole=True,
        live_column=one.column if live is not None and one.column in live.columns else None,
        flag=one.flag,
        roles=one.roles,
    )


def _rollups(
    nodes: Mapping[str, Node], meta: Node, where: str, added: frozenset[str]
) -> list[RollUp]:
    """The roll-ups, the one with the fewest rows first."""
    found = []
    if entities := _named(nodes, meta, "entities", where):
        for ids in ENTITIES:
            rows = sql.SQL(" and ").join([_of_entity(ids, ENTITY_IDS), sql.SQL(NOT_BOTS_ALONE)])
            found.append(RollUp(entities, rows, frozenset(ids), frozenset(ids)))
    if relation := _named(nodes, meta, "rollups", where, added):
        grains = _meta(nodes[meta["rollups"]]).get("grains", {})
        for grain, names in grains.items():
            ids = tuple(name for name in names if name in ENTITY_IDS)
            known = [name for name in ENTITY_IDS if name in relation.columns]
            rows = fill("grain = {} and {}", sql.Literal(grain), _of_entity(ids, known))
            found.append(RollUp(relation, rows, frozenset(names), frozenset(ids)))
    # A row for each asset is more than one for each of anything that is not an entity.
    return sorted(found, key=lambda r: (len(r.filled), len(r.columns)))


def _of_entity(ids: Sequence[str], all_ids: Sequence[str]) -> sql.Composable:
    return sql.SQL(" and ").join(
        fill("{} is not null" if name in ids else "{} is null", name) for name in all_ids
    )


def _named(
    nodes: Mapping[str, Node],
    meta: Node,
    key: str,
    where: str,
    added: frozenset[str] = frozenset(),
) -> Relation | None:
    name = meta.get(key)
    if name is None:
        return None
    if name not in nodes:
        raise MistakeInMetadata(f"{where}: {key} is {name!r}, and there is no such model")
    return _relation(nodes[name], added)


def _relation(node: Node, added: frozenset[str] = frozenset()) -> Relation:
    """`added`: the columns that it has besides those of its .yml."""
    return Relation(node["schema"], node["alias"], frozenset(node["columns"]) | added)


def _query_meta(thing: Node) -> Node | None:
    """`query` of the meta of a model or a column."""
    found = _meta(thing).get("query")
    return found if isinstance(found, Mapping) else None


def _meta(thing: Node) -> Node:
    return {**(thing.get("meta") or {}), **((thing.get("config") or {}).get("meta") or {})}
