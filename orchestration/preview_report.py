"""Prints a preview as text or as JSON."""

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from orchestration.preview import Preview


def as_json(found: Preview) -> str:
    """One JSON object; numbers as they are, times and ids as text."""
    comparison = found.comparison
    return json.dumps(
        {
            "model": found.model,
            "first_day": found.days.first.isoformat(),
            "last_day": found.days.last.isoformat(),
            "relation": found.relation,
            "rows": dict(comparison.rows),
            "columns": [
                {"column": c.column, "old": _number(c.old), "new": _number(c.new), "rows": c.rows}
                for c in comparison.changes
            ],
            "moved": comparison.moved,
        },
        default=str,
    )


def show(found: Preview) -> None:
    """Tables on standard output."""
    console, comparison = Console(soft_wrap=True), found.comparison
    rows = comparison.rows
    console.print(
        f"{found.model}, {found.days.first} to {found.days.last}: {rows['old']:,} rows in"
        f" production, {rows['new']:,} in {found.relation}"
        f" ({rows['added']:,} added, {rows['removed']:,} removed)",
        markup=False,
        highlight=False,
    )
    table = Table("column", box=None)
    for heading in ("old", "new", "change", "rows changed"):
        table.add_column(heading, justify="right")
    for change in comparison.changes:
        old, new = _number(change.old), _number(change.new)
        numbers = (
            ("", "", "")
            if old is None or new is None
            else (_text(old), _text(new), _share(old, new))
        )
        table.add_row(change.column, *numbers, f"{change.rows:,}")
    console.print(table)
    if not comparison.moved:
        console.print("no row moved")
        return
    console.print("rows that moved most:")
    moved = Table(*found.key, "old → new", box=None)
    for row in comparison.moved:
        key = [_text(row[name]) for name in found.key]
        moved.add_row(*key, ", ".join(_differences(row, found)))
    console.print(moved)


def _differences(row: Mapping[str, Any], found: Preview) -> list[str]:
    return [
        f"{name} {_text(values[0])} → {_text(values[1])}"
        for name, values in row.items()
        if name not in found.key
    ]


def _number(value: Any) -> int | float | None:
    """PostgreSQL's numeric is a Decimal, which JSON does not know."""
    if value is None:
        return None
    return int(value) if value == int(value) else float(value)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _share(old: float, new: float) -> str:
    if old == new:
        return "="
    return f"{(new - old) / old:+.1%}" if old else "new"
