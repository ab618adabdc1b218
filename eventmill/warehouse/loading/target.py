"""What a load needs of the place it loads into, whether that is a database or a folder."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple, Protocol

from eventmill.warehouse.manifest import Manifest
from eventmill.warehouse.root import Root


class Exported(NamedTuple):
    """A day of a table as the warehouse's files have it; `checksum` is the manifest's SHA-256."""

    manifest: Manifest
    content: bytes
    checksum: str


class Target(Protocol):
    """Each method raises what dlt raises, and DayReplaced."""

    def loaded(self, tables: Sequence[str]) -> Mapping[tuple[str, date], str]:
        """Table and day → checksum of the manifest that is loaded."""

    def load(self, root: Root, day: date, exported: Sequence[Exported]) -> None:
        """Put these tables' rows of the day in place of those that are there."""

    def rows(self, table: str, day: date) -> int:
        """How many rows of the day are there."""
