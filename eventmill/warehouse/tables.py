"""Which tables are exported, where each comes from, and which of its columns are ids of people."""

from dataclasses import dataclass

from eventmill.core.errors import NotFound
from eventmill.core.registry import Kind, columns_of


@dataclass(frozen=True, slots=True)
class Table:
    """A folder of the warehouse and the relation that its days are read from."""

    name: str
    schema: str
    """Schema of the relation, which is called `relation`."""
    relation: str
    day_column: str
    """Decides of which UTC day a row is: a date, or a timestamptz if `has_times`."""
    has_times: bool
    sorted_by: tuple[str, ...]
    people: tuple[str, ...]
    """Columns that hold ids of people, devices and their visits, and nothing else."""
    is_view: bool = False
    """Whether each reading computes the rows."""

    @property
    def source(self) -> str:
        return f"{self.schema}.{self.relation}"


_TABLES = (
    Table(
        "events", "raw", "events", "occurred_at", True,
        # What is looked for first is a type; within it, readers skip by time.
        sorted_by=("event_type", "occurred_at", "event_id"),
        people=columns_of(Kind.PERSON, Kind.VISIT),
    ),
    Table(
        "attribution", "marts", "attribution", "occurred_at", True,
        sorted_by=("channel", "occurred_at", "event_id"),
        people=("visitor_id", "session_id"),
    ),
    Table(
        "daily_metrics", "marts", "daily_metrics", "date", False,
        sorted_by=("project_id", "ip_asset_id", "license_id"),
        people=(),
    ),
    Table(
        "sessions", "marts", "sessions", "started_at", True,
        sorted_by=("channel", "started_at", "session_id"),
        people=("visitor_id", "session_id", "client_session_id"),
    ),
    Table(
        "conversion_credits", "marts", "conversion_credits", "occurred_at", True,
        sorted_by=("model", "occurred_at", "conversion_id", "touch_number"),
        people=("creator_id",),
        is_view=True,
    ),
)  # fmt: skip


def tables() -> tuple[Table, ...]:
    """All tables of the warehouse, in the order in which a day of them is exported."""
    return _TABLES


def table_named(name: str) -> Table:
    """The table of a folder's name. Raises NotFound naming those that there are."""
    for table in _TABLES:
        if table.name == name:
            return table
    known = ", ".join(table.name for table in _TABLES)
    raise NotFound(f"the warehouse has no table {name!r}: it has {known}")
