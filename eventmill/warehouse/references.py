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
from eventmill.warehouse.source import Snapshot, selected, snapshot
from eventmill.warehouse.storage import Root
from eventmill.warehouse.types import SourceColumn, kind_of

CURRENT = "current.parquet"
TIME = "timestamp with time zone"


@dataclass(frozen=True, slots=True)
class Reference:
    """A folder of the warehouse with a table that has no days."""

    name: str
    schema: str
    columns: Mapping[str, str]
    """Those that models read, each with its type in the database; uuid and jsonb become text."""
    people: tuple[str, ...] = ()
    """Columns that hold ids of people, as in tables.Table."""

    @property
    def source(self) -> str:
        return f"{self.schema}.{self.name}"


def _reference(
    schema: str, name: str, *texts: str, people: tuple[str, ...] = (), **others: str
) -> Reference:
    """A table or view: its columns of text, and the others with their types."""
    return Reference(name, schema, {**dict.fromkeys(texts, "text"), **others}, people)


_REFERENCES = (
    _reference(
        "raw", "lifecycle_events", "event_type", "actor_type", "actor_id", "creator_id", "brand_id",
        "project_id", "ip_asset_id", "license_id", people=("actor_id", "creator_id"),
        event_id="uuid", props_json="jsonb", occurred_at=TIME, received_at=TIME,
    ),
    _reference(
        "rules", "assets", "ip_asset_id", "creator_id", "title", "asset_type", "status",
        people=("creator_id",), uploaded_at=TIME, approved_at=TIME, rejected_at=TIME,
    ),
    _reference(
        "rules", "projects", "project_id", "brand_id", "name", "status",
        created_at=TIME, started_at=TIME, completed_at=TIME, archived_at=TIME,
    ),
    _reference(
        "rules", "project_history", "project_id", "status", valid_from=TIME, valid_to=TIME
    ),
    _reference(
        "rules", "licenses", "license_id", "ip_asset_id", "project_id", "brand_id", "license_type",
        "territory", "status", renewals="bigint",
        created_at=TIME, signed_at=TIME, renewed_at=TIME, expired_at=TIME,
    ),
    _reference(
        "rules", "license_periods", "license_id", "ip_asset_id", "brand_id",
        valid_from="date", valid_to="date",
    ),
    _reference(
        "rules", "creators", "creator_id", people=("creator_id",),
        first_active_at=TIME, last_active_at=TIME,
    ),
    _reference("rules", "brands", "brand_id", first_active_at=TIME, last_active_at=TIME),
    _reference(
        "raw", "identities", "anonymous_id", "user_id", people=("anonymous_id", "user_id"),
        verified="boolean", received_at=TIME,
    ),
    _reference(
        "rules", "links", "anonymous_id", "actor_id", people=("anonymous_id", "actor_id"),
        verified="boolean", received_at=TIME,
    ),
    _reference(
        "raw", "ad_spend", "project_id", "source", "medium", "campaign", "term", "content",
        "currency", date="date", cost_cents="bigint", impressions="bigint", clicks="bigint",
    ),
    _reference("raw", "tracking_plan", "event_type", "event_group", is_anonymous="boolean"),
    _reference(
        "enrichment", "user_agents", "user_agent", "device_type", "browser", "browser_version",
        "os", "os_version", is_bot="boolean",
    ),
    _reference("enrichment", "referrers", "referrer_domain", "source", "category"),
    _reference("enrichment", "platform_currency", "currency"),
    _reference(
        "enrichment", "replaced_metrics", "project_id", "ip_asset_id", "license_id", "definition",
        date="date", views="bigint", clicks="bigint", conversions="bigint", revenue_cents="bigint",
        unique_visitors="bigint", engagement_time="bigint", bot_events="bigint",
        bot_visitors="bigint", was_removed="boolean", build_id="uuid", replaced_by="uuid",
        replaced_at=TIME,
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
    columns = [
        SourceColumn(name, kind_of(f"{reference.source}.{name}", type_), None)
        for name, type_ in reference.columns.items()
    ]
    schema = pa.schema([(column.name, column.kind.arrow) for column in columns])
    redacted = pseudonyms is not None
    query = sql.SQL("select {} from {} as day").format(
        sql.SQL(", ").join(selected(column, redacted=redacted) for column in columns),
        sql.Identifier(reference.schema, reference.name),
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
