"""The manifest of a day: what its files hold, and from which build they are."""

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter

FORMAT = 1
"""Version of the manifest's own form."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the files. `type` is one of warehouse/types.py, such as `timestamp[us, UTC]`."""

    name: str
    type: str
    comment: str | None
    is_pseudonym: bool = False
    """Whether the values are keyed hashes of those in the database."""


@dataclass(frozen=True, slots=True)
class File:
    """A Parquet file beside the manifest; `sha256` in hexadecimal digits."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DayBuild:
    """The build that the day is from, as marts.daily_builds has it; `events` are all of the day."""

    built_at: datetime
    definition: str
    events: int
    watermark: datetime | None
    parser_version: str | None
    build_id: str | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """One UTC day of one table, complete."""

    table: str
    day: date
    build: str
    """Name of this export of the day; all its files begin with it."""
    exported_at: datetime
    schema_version: int
    schema: tuple[Column, ...]
    sorted_by: tuple[str, ...]
    files: tuple[File, ...]
    rows: int
    totals: dict[str, str]
    """Sums of the numeric columns and counts of the true ones, as exact decimal numbers."""
    receipt: DayBuild
    key_id: str | None
    """Which key made the pseudonyms; None where ids are as they are in the database."""
    erased_rows: int = 0
    """Rows that erasures have taken out of these files since they were exported."""

    @property
    def total_bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    def to_json(self) -> bytes:
        content = {"format": FORMAT, **asdict(self)}
        text = json.dumps(content, indent=1, default=_iso, ensure_ascii=False)
        return f"{text}\n".encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Manifest":
        """Raises ValueError for what is no manifest, or one of a later form."""
        found: dict[str, Any] = json.loads(content)
        form = found.pop("format", None)
        if form != FORMAT:
            raise ValueError(f"a manifest of format {form!r}, and this version reads {FORMAT}")
        return _ADAPTER.validate_python(found)


_ADAPTER = TypeAdapter(Manifest)


def _iso(value: date) -> str:  # a datetime is one too
    return value.isoformat()
