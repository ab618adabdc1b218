"""Reads a CSV file of advertising costs into raw.ad_spend."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from eventmill.core.errors import ConfigurationError

TAGS = ("source", "medium", "campaign", "term", "content")
COUNTS = ("impressions", "clicks")
COLUMNS = ("date", "project_id", *TAGS, "currency", "cost_cents", "cost", *COUNTS)
STORED = ("date", "project_id", *TAGS, "currency", "cost_cents", *COUNTS)
Clean = Callable[[str], str | None]
LARGEST = 2**63 - 1
MAX_ID_LENGTH = 200

# A file is the whole truth about the days, projects and campaigns that it names; cost without a
# project is the platform's own, and stays when a project's is loaded.
REPLACED = """
delete from raw.ad_spend as old
using (
    select distinct * from unnest(%s::date[], %s::text[], %s::text[], %s::text[], %s::text[])
) as named (date, project_id, source, medium, campaign)
where
    old.date = named.date
    and old.project_id is not distinct from named.project_id
    and old.source = named.source
    and old.medium is not distinct from named.medium
    and old.campaign is not distinct from named.campaign
"""
LOADED = """
select
    project_id, source, medium, campaign, currency, min(date)::text as first_day,
    max(date)::text as last_day, count(*) as rows, sum(cost_cents)::bigint as cost_cents,
    max(loaded_at) as loaded_at
from raw.ad_spend
group by project_id, source, medium, campaign, currency
order by project_id nulls first, source, medium nulls first, campaign nulls first, currency
"""


@dataclass(frozen=True, slots=True)
class Spend:
    """A row of raw.ad_spend; tags are in lower case, None where there is none. Without a
    `project_id` it is the platform's own."""

    date: date
    project_id: str | None
    source: str
    medium: str | None
    campaign: str | None
    term: str | None
    content: str | None
    currency: str
    cost_cents: int
    impressions: int | None
    clicks: int | None

    @property
    def keys(self) -> tuple[Any, ...]:
        """What may be there once."""
        return (self.date, self.project_id, *(getattr(self, tag) for tag in TAGS), self.currency)


def read_spend(connection: psycopg.Connection, file: Path) -> list[Spend]:
    """The rows of a CSV file (UTF-8, a header line), with tags as the database compares them.

    Raises ConfigurationError for the first mistake, naming the line and the column.
    """

    @cache  # A file names few different tags.
    def clean(tag: str) -> str | None:
        row = connection.execute("select rules.clean_tag(%s)", (tag,)).fetchone()
        return row[0] if row else None

    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            return list(_rows(file, csv.reader(opened, strict=True), clean))
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file} is not UTF-8") from None


def load_spend(connection: psycopg.Connection, rows: Iterable[Spend]) -> tuple[int, int]:
    """Replace the (date, project, source, medium, campaign) that `rows` name, in one transaction.

    Returns how many rows were removed and how many added.
    """
    rows = list(rows)
    named = [[getattr(row, key) for row in rows] for key in ("date", "project_id", *TAGS[:3])]
    with connection.transaction():
        # Two loads of the same keys at once: the second replaces what the first has written.
        connection.execute("lock table raw.ad_spend in share row exclusive mode")
        removed = connection.execute(REPLACED, named).rowcount
        with connection.cursor().copy(
            f"copy raw.ad_spend ({', '.join(STORED)}) from stdin".encode()
        ) as copy:
            for row in rows:
                copy.write_row([getattr(row, column) for column in STORED])
    return removed, len(rows)


def loaded_spend(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """Days, rows and cost of each project, source, medium, campaign and currency."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(LOADED).fetchall()


def _rows(file: Path, reader: Any, clean: Clean) -> Iterator[Spend]:
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _require_columns(file, header)
        seen: dict[tuple[Any, ...], int] = {}
        for values in reader:
            line = reader.line_num
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(header):
                raise ConfigurationError(
                    f"{file}, line {line}: {len(values)} values for {len(header)} columns"
                )
            row = _row(f"{file}, line {line}", dict(zip(header, values, strict=True)), clean)
            if first := seen.get(row.keys):
                raise ConfigurationError(
                    f"{file}, line {line}: the same date, project, tags and"
                    f" currency as line {first}"
                )
            seen[row.keys] = line
            yield row
    except csv.Error as error:
        raise ConfigurationError(f"{file}, line {reader.line_num}: {error}") from None


def _require_columns(file: Path, header: list[str]) -> None:
    if unknown := [name for name in header if name not in COLUMNS]:
        raise ConfigurationError(
            f"{file}, line 1: no such column as {unknown[0]!r}: use {', '.join(COLUMNS)}"
        )
    if repeated := [name for name in header if header.count(name) > 1]:
        raise ConfigurationError(f"{file}, line 1: the column {repeated[0]!r} is there twice")
    if missing := [name for name in ("date", "source", "currency") if name not in header]:
        raise ConfigurationError(f"{file}, line 1: the column {missing[0]!r} is missing")
    if ("cost" in header) == ("cost_cents" in header):
        raise ConfigurationError(f"{file}, line 1: there must be one of cost and cost_cents")


def _row(where: str, values: dict[str, str], clean: Clean) -> Spend:
    if tag := next((tag for tag in TAGS if "\0" in values.get(tag, "")), None):
        raise ConfigurationError(f"{where}, column {tag}: it holds a NUL character")
    tags = {tag: clean(values.get(tag, "")) for tag in TAGS}
    if tags["source"] is None:
        raise ConfigurationError(f"{where}, column source: it is empty")
    currency = values["currency"].strip().upper()
    if not re.fullmatch("[A-Z]{3}", currency):
        raise ConfigurationError(
            f"{where}, column currency: {currency!r} is no ISO 4217 code such as USD"
        )
    counts = {
        name: _whole(where, name, text) if (text := values.get(name, "").strip()) else None
        for name in COUNTS
    }
    if "cost" in values:
        cents = _cents(where, values["cost"].strip())
    else:
        cents = _whole(where, "cost_cents", values["cost_cents"].strip())
    day = _day(where, values["date"].strip())
    project = _project(where, values.get("project_id", "").strip(" "))
    names = {**tags, "project_id": project}
    return Spend(date=day, currency=currency, cost_cents=cents, **names, **counts)  # type: ignore[arg-type]


def _project(where: str, text: str) -> str | None:
    """An id as events name it: as it is written, case included."""
    if len(text) > MAX_ID_LENGTH or "\0" in text:
        raise ConfigurationError(
            f"{where}, column project_id: it is no id of at most {MAX_ID_LENGTH} characters"
        )
    return text or None


def _day(where: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"{where}, column date: {text!r} is not a date: use YYYY-MM-DD"
        ) from None


def _whole(where: str, column: str, text: str) -> int:
    if not re.fullmatch("[0-9]{1,19}", text) or int(text) > LARGEST:
        raise ConfigurationError(f"{where}, column {column}: {text!r} is no whole number from 0 on")
    return int(text)


def _cents(where: str, text: str) -> int:
    """`12.34` → 1234."""
    try:
        cents = Decimal(text) * 100
    except InvalidOperation:
        cents = Decimal("NaN")
    if not cents.is_finite() or not 0 <= cents <= LARGEST or cents != int(cents):
        raise ConfigurationError(
            f"{where}, column cost: {text!r} is no amount with at most two decimals, such as 12.34"
        )
    return int(cents)
