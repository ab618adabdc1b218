"""What events refer to: tables without days, as they are now, one Parquet file each.

Building the models from the warehouse's files needs them besides `events`. A new file replaces the
former one in one step, so it needs no manifest: `<root>/<name>/current.parquet`.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from eventmill.core.database import advisory_lock
from eventmill.warehouse.exporting import EXPORT_LOCK
from eventmill.warehouse.folder import chunks_of
from eventmill.warehouse.pseudonymising import pseudonymised
from eventmill.warehouse.pseudonyms import Pseudonyms
from eventmill.warehouse.source import Snapshot, impersonal_props, snapshot
from eventmill.warehouse.storage import Root
from eventmill.warehouse.types import UTC_TIME

CURRENT = "current.parquet"
TIME = "timestamptz"
_ARROW = {
    "varchar": pa.string(), "uuid": pa.string(), "json": pa.string(), "timestamptz": UTC_TIME,
    "date": pa.date32(), "bigint": pa.int64(), "boolean": pa.bool_(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reference:
    """A folder of the warehouse with a table that has no days."""

    name: str
    schema: str
    columns: Mapping[str, str]
    """Those that models read, each with its type, as DuckDB calls it; uuid and json are text."""
    people: tuple[str, ...] = ()
    """Columns that hold ids of people, as in tables.Table."""

    @property
    def source(self) -> str:
        return f"{self.schema}.{self.name}"


def _texts(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "varchar")


def _all(kind: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, kind)


def _rule(name: str, *texts: str, **others: str) -> Reference:
    """A view of the schema `rules`: its columns of text, and the others with their types."""
    people = tuple(column for column in texts if column == "creator_id")
    return Reference(name, "rules", {**_texts(*texts), **others}, people)


_REFERENCES = (
    Reference(
        "lifecycle_events",
        "raw",
        {
            "event_id": "uuid",
            **_texts("event_type", "actor_type", "actor_id", "creator_id", "brand_id"),
            **_texts("project_id", "ip_asset_id", "license_id"),
            "props_json": "json",
            **_all("timestamptz", "occurred_at", "received_at"),
        },
        people=("actor_id", "creator_id"),
    ),
    _rule(
        "assets", "ip_asset_id", "creator_id", "title", "asset_type", "status",
        uploaded_at=TIME, approved_at=TIME, rejected_at=TIME,
    ),
    _rule(
        "projects", "project_id", "brand_id", "name", "status",
        created_at=TIME, started_at=TIME, completed_at=TIME, archived_at=TIME,
    ),
    _rule("project_history", "project_id", "status", valid_from=TIME, valid_to=TIME),
    _rule(
        "licenses", "license_id", "ip_asset_id", "project_id", "brand_id", "license_type",
        "territory", "status", renewals="bigint",
        created_at=TIME, signed_at=TIME, renewed_at=TIME, expired_at=TIME,
    ),
    _rule(
        "license_periods", "license_id", "ip_asset_id", "brand_id",
        valid_from="date", valid_to="date",
    ),
    _rule("creators", "creator_id", first_active_at=TIME, last_active_at=TIME),
    _rule("brands", "brand_id", first_active_at=TIME, last_active_at=TIME),
    Reference(
        "identities",
        "raw",
        {**_texts("anonymous_id", "user_id"), "verified": "boolean"},
        people=("anonymous_id", "user_id"),
    ),
    Reference(
        "ad_spend",
        "raw",
        {
            "date": "date",
            **_texts("project_id", "source", "medium", "campaign", "term", "content", "currency"),
            **_all("bigint", "cost_cents", "impressions", "clicks"),
        },
    ),
    Reference(
        "tracking_plan", "raw", {**_texts("event_type", "event_group"), "is_anonymous": "boolean"}
    ),
    Reference(
        "user_agents",
        "enrichment",
        {
            **_texts("user_agent", "device_type", "browser", "browser_version", "os"),
            **_texts("os_version"),
            "is_bot": "boolean",
        },
    ),
    Reference("referrers", "enrichment", _texts("referrer_domain", "source", "category")),
    Reference("platform_currency", "enrichment", _texts("currency")),
    Reference(
        "replaced_metrics",
        "enrichment",
        {
            "date": "date",
            **_texts("project_id", "ip_asset_id", "license_id"),
            **_all("bigint", "views", "clicks", "conversions", "revenue_cents"),
            **_all("bigint", "unique_visitors", "engagement_time", "bot_events", "bot_visitors"),
            "was_removed": "boolean",
            "definition": "varchar",
            **_all("uuid", "build_id", "replaced_by"),
            "replaced_at": "timestamptz",
        },
    ),
)  # fmt: skip


def references() -> tuple[Reference, ...]:
    """All tables without days."""
    return _REFERENCES


def export_references(
    connection: psycopg.Connection, root: Root, pseudonyms: Pseudonyms | None
) -> dict[str, int]:
    """Write all of them, as of one moment; rows by name. `connection` is in autocommit mode.

    Waits for whoever else exports. Raises StorageError, and psycopg.OperationalError when the
    database goes away; each table has then its former file or its new one.
    """
    with advisory_lock(connection, EXPORT_LOCK), snapshot(connection) as moment:
        return {one.name: _write(moment, root, one, pseudonyms) for one in _REFERENCES}


def _write(
    moment: Snapshot, root: Root, reference: Reference, pseudonyms: Pseudonyms | None
) -> int:
    schema = pa.schema([(name, _ARROW[kind]) for name, kind in reference.columns.items()])
    columns = [
        _column(name, kind, redacted=pseudonyms is not None)
        for name, kind in reference.columns.items()
    ]
    query = sql.SQL("select {} from {} as day").format(
        sql.SQL(", ").join(columns), sql.Identifier(reference.schema, reference.name)
    )
    batches = moment.batches(query, schema)
    if pseudonyms and reference.people:
        batches = pseudonymised(batches, reference.people, pseudonyms)
    with TemporaryDirectory() as folder:
        file = Path(folder) / CURRENT
        with closing(batches), pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)
        root.write(f"{reference.name}/{CURRENT}", chunks_of(file))
        return int(pq.read_metadata(file).num_rows)


def _column(name: str, kind: str, *, redacted: bool) -> sql.Composable:
    value: sql.Composable = sql.SQL("day.{}").format(sql.Identifier(name))
    if redacted and name == "props_json":
        value = impersonal_props(value)
    if kind in ("uuid", "json"):
        value = sql.SQL("({})::text").format(value)
    return sql.SQL("{} as {}").format(value, sql.Identifier(name))
