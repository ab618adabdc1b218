"""The DuckDB file of `eventmill dbt --target duckdb`: its sources are views of Parquet files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from eventmill.database import dbt_environment
from eventmill.settings import get_settings

# What a column is in a source where Parquet has text.
UUID = "uuid"
JSON = "json"


@dataclass(frozen=True)
class Source:
    """A table that models read: `schema.name`, and its columns with DuckDB's types, in order."""

    schema: str
    name: str
    columns: Mapping[str, str]

    @property
    def relation(self) -> str:
        return f"{self.schema}.{self.name}"


def _texts(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "varchar")


_EVENT_IDS = ("project_id", "ip_asset_id", "license_id")

SOURCES = (
    Source(
        "raw",
        "events",
        {
            "event_id": UUID,
            **dict.fromkeys(("occurred_at", "received_at", "sent_at"), "timestamptz"),
            **_texts("source", "event_type", "actor_type", "actor_id", "anonymous_id"),
            **_texts("visitor_id", "session_id", *_EVENT_IDS, "user_id", "brand_id", "creator_id"),
            "props_json": JSON,
            **_texts("page_url", "landing_page", "referrer", "user_agent", "utm_source"),
            **_texts("utm_medium", "utm_campaign", "utm_term", "utm_content", "click_id"),
            **_texts("country"),
            "created_at": "timestamptz",
        },
    ),
    Source(
        "raw",
        "lifecycle_events",
        {
            "event_id": UUID,
            **_texts("event_type", "actor_type", "actor_id", "creator_id", "brand_id"),
            **_texts(*_EVENT_IDS),
            "props_json": JSON,
            **dict.fromkeys(("occurred_at", "received_at"), "timestamptz"),
        },
    ),
    Source("raw", "identities", {**_texts("anonymous_id", "user_id"), "verified": "boolean"}),
    Source(
        "raw",
        "ad_spend",
        {
            "date": "date",
            **_texts("project_id", "source", "medium", "campaign", "term", "content", "currency"),
            **dict.fromkeys(("cost_cents", "impressions", "clicks"), "bigint"),
        },
    ),
    Source(
        "raw",
        "tracking_plan",
        {**_texts("event_type", "event_group"), "is_anonymous": "boolean"},
    ),
    Source(
        "enrichment",
        "user_agents",
        {
            **_texts("user_agent", "device_type", "browser", "browser_version", "os"),
            **_texts("os_version"),
            "is_bot": "boolean",
        },
    ),
    Source("enrichment", "referrers", _texts("referrer_domain", "source", "category")),
    Source("enrichment", "platform_currency", _texts("currency")),
    Source(
        "enrichment",
        "replaced_metrics",
        {
            "date": "date",
            **_texts(*_EVENT_IDS),
            **dict.fromkeys(("views", "clicks", "conversions", "revenue_cents"), "bigint"),
            **dict.fromkeys(
                ("unique_visitors", "engagement_time", "bot_events", "bot_visitors"), "bigint"
            ),
            "was_removed": "boolean",
            "definition": "varchar",
            "build_id": UUID,
            "replaced_by": UUID,
            "replaced_at": "timestamptz",
        },
    ),
)

# What Dagster's builds note. A file has had none.
NOTES = (
    Source(
        "enrichment",
        "builds",
        {
            "build_id": UUID,
            "watermark": "timestamptz",
            "parser_version": "varchar",
            "finished_at": "timestamptz",
        },
    ),
    Source("enrichment", "replaced_days", {"day": "date"}),
)


def attach(file: Path, files: Mapping[str, Sequence[str]]) -> None:
    """Make the sources in the DuckDB `file`: views of Parquet `files`, by `schema.name`.

    A source without files, and what only production's builds note, has no rows.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(file)) as connection:
        for source in (*SOURCES, *NOTES):
            connection.execute(f"create schema if not exists {source.schema}")
            connection.execute(
                f"create or replace view {source.relation} as "
                + _query(source, files.get(source.relation, ()))
            )


def environment(file: Path) -> dict[str, str]:
    """The variables that dbt_project/profiles.yml reads for the target `duckdb`: no server's."""
    shared = {
        name: value
        for name, value in dbt_environment().items()
        if not name.startswith("EVENTMILL_PG_")
    }
    return {
        **shared,
        "EVENTMILL_DUCKDB": str(file),
        # A manifest of its own: production's names other engines' SQL.
        "DBT_TARGET_PATH": str(get_settings().dbt_target_dir / "duckdb"),
    }


def _query(source: Source, files: Sequence[str]) -> str:
    if not files:
        nulls = (f"null::{kind} as {name}" for name, kind in source.columns.items())
        return f"select {', '.join(nulls)} where false"
    names = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    columns = (
        f"{name}::{kind} as {name}" if kind in (UUID, JSON) else name
        for name, kind in source.columns.items()
    )
    return f"select {', '.join(columns)} from read_parquet([{names}], union_by_name = true)"  # noqa: S608
