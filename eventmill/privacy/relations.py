"""Every table that Eventmill keeps data in, as the database itself lists them.

What to read and what to erase follows from the columns, so a new model or table is included.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import LiteralString

from psycopg import AsyncConnection, sql

from eventmill.privacy.statements import fetch

# Migrations' own schemas, and dbt's: production's, analysts' and those of previews. Another schema
# of the same database is not ours to touch.
TABLES: LiteralString = """
select
    schemas.nspname,
    tables.relname,
    jsonb_object_agg(columns.attname, types.typname order by columns.attnum)
from pg_class as tables
inner join pg_namespace as schemas on tables.relnamespace = schemas.oid
inner join pg_attribute as columns on tables.oid = columns.attrelid
inner join pg_type as types on columns.atttypid = types.oid
where
    tables.relkind in ('r', 'p')
    and not tables.relispartition
    and columns.attnum > 0
    and not columns.attisdropped
    and columns.attgenerated = ''
    and (
        schemas.nspname in ('raw', 'enrichment', 'ops')
        or schemas.nspname ~ '^((dev|preview)(_[a-z0-9_]*)?_)?(staging|intermediate|marts|seeds)$'
    )
group by schemas.nspname, tables.relname
order by schemas.nspname, tables.relname
"""

OWN_SCHEMAS = ("raw", "enrichment", "ops")


@dataclass(frozen=True, slots=True)
class Relation:
    """A table; `columns` are name → type, as `pg_type` calls it, generated ones left out."""

    schema: str
    name: str
    columns: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    @property
    def is_built(self) -> bool:
        """Whether dbt makes it."""
        return self.schema not in OWN_SCHEMAS

    @property
    def event_column(self) -> str | None:
        """The column that names an event."""
        for name in ("event_id", "conversion_id"):
            if self.columns.get(name) == "uuid":
                return name
        return None

    @property
    def time_column(self) -> str | None:
        """The column that decides of which UTC day a row is."""
        for name in ("occurred_at", "started_at"):
            if self.columns.get(name) == "timestamptz":
                return name
        return None

    @property
    def names_visitors(self) -> bool:
        """Whether rows are of a visitor, who is named."""
        return "visitor_id" in self.columns

    @property
    def numbers_visitors(self) -> bool:
        """Whether it is the table that gives visitors their numbers, which stay taken."""
        return self.names_visitors and "visitor_number" in self.columns


async def relations(connection: AsyncConnection) -> list[Relation]:
    """All tables, in the order of their names."""
    return [Relation(*row) for row in await fetch(connection, TABLES)]


async def is_there(connection: AsyncConnection, relation: str) -> bool:
    """Whether a table or view is there."""
    query = "select to_regclass(%(relation)s) is not null"
    return await fetch(connection, query, {"relation": relation}) == [(True,)]
