"""`make reference`: docs/reference/settings.md, from the declarations of the settings."""

import types
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from eventmill.core.setting_groups import said_of
from eventmill.core.settings import PROJECT_ROOT, Settings

PAGE = PROJECT_ROOT / "docs" / "reference" / "settings.md"
HEAD = """# Settings

Made by `make reference` from `eventmill/core/setting_groups.py` and
`eventmill/core/storage_settings.py`: change those, not this page.

A setting is an environment variable, or a line of `<home>/eventmill.env`; the environment comes
first. `eventmill settings` prints the values in use. A value that cannot be read ends every command
with one line that names the variable. Services read their settings when they start.
"""
COLUMNS = "| variable | type | default | meaning | what breaks |\n|---|---|---|---|---|"


def groups() -> list[type[BaseModel]]:
    """The classes that declare settings, in the order of the page."""
    return [base for base in Settings.__bases__ if issubclass(base, BaseModel) and base.__doc__]


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *map(_section, groups())])


def _section(group: type[BaseModel]) -> str:
    rows = [_row(name, field) for name, field in group.model_fields.items()]
    return "\n".join([f"## {group.__doc__}", "", COLUMNS, *rows, ""])


def _row(name: str, field: FieldInfo) -> str:
    said = said_of(field)
    more = f" [More]({said['More']})" if "More" in said else ""
    cells = (
        f"`EVENTMILL_{name.upper()}`",
        _type(field),
        said.get("Unset", "").removesuffix(".") or _value(field.default),
        said["Meaning"] + more,
        said["Wrong"],
    )
    return "| " + " | ".join(cells) + " |"


def _value(default: Any) -> str:
    text = str(default).lower() if isinstance(default, bool) else str(default)
    return f"`{text}`" if text else "none"


def _type(field: FieldInfo) -> str:
    """The type in words, with the bounds of a number."""
    kind: Any = field.annotation
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(part for part in get_args(kind) if part is not type(None))
    names = {
        SecretStr: "secret text",
        str: "text",
        int: "integer",
        float: "number",
        bool: "yes or no",
    }
    name = names.get(kind, kind.__name__.lower())
    bounds = {
        word: getattr(limit, word) for limit in field.metadata for word in ("ge", "le")
        if hasattr(limit, word)
    }  # fmt: skip
    if len(bounds) == 2:
        return f"{name}, {bounds['ge']} to {bounds['le']}"
    return f"{name}, at least {bounds['ge']}" if bounds else name


def main() -> None:
    PAGE.write_text(page().rstrip() + "\n")
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
