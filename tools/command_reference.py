"""`make reference`: docs/reference/commands.md, from what each command says of itself."""

from collections.abc import Iterator
from typing import Any

import typer

from eventmill.core.settings import PROJECT_ROOT
from eventmill.runner.cli import app

PAGE = PROJECT_ROOT / "docs" / "reference" / "commands.md"
HEAD = """# Commands

Made by `make reference` from the commands' own help texts: change those, not this page.

- A command ends with the exit status 0 when it did what it says.
- It ends with 1 when it could not, and says why in one line on standard error.
- It ends with 2 when its arguments are wrong.
- It ends with 141 when whoever read its output has stopped, as in `eventmill settings | head -1`.

A command that needs PostgreSQL starts the embedded server when it is down, and leaves it running.
Only `up`, `demo` and `migrate` migrate a database. Settings are environment variables:
[settings.md](settings.md).
"""


def commands(command: Any, context: typer.Context) -> Iterator[tuple[Any, typer.Context]]:
    """Each command that does something, with its context, in the order of `--help`."""
    if not hasattr(command, "list_commands"):
        yield command, context
        return
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        if not child.hidden:
            yield from commands(child, typer.Context(child, parent=context, info_name=name))


def page() -> str:
    """The whole page."""
    root = typer.main.get_command(app)
    found = list(commands(root, typer.Context(root, info_name="eventmill")))
    first = [
        f"| [`{context.command_path}`](#{context.command_path.replace(' ', '-')}) |"
        f" {_cell(_paragraphs(command.help)[0])} |"
        for command, context in found
    ]
    table = "\n".join(["| command | what it does |", "|---|---|", *first])
    return "\n".join([HEAD, table, *(_section(command, context) for command, context in found)])


def _section(command: Any, context: typer.Context) -> str:
    names = {parameter: _name(parameter) for parameter in command.params}
    pieces = ["[OPTIONS]"] if any(map(_is_option, names)) else []
    for parameter, name in names.items():
        if not _is_option(parameter):
            pieces.append(name if parameter.required else f"[{name}]")
    if command.context_settings.get("allow_extra_args"):
        pieces.append("[ARGUMENTS]...")
    usage = " ".join([context.command_path, *pieces])
    rows = [
        f"| `{name}` | {_cell(parameter.get_help_record(context)[1])} |"
        for parameter, name in names.items()
    ]
    table = ["", "| | |", "|---|---|", *rows] if rows else []
    body = "\n\n".join(_paragraphs(command.help))
    lines = ["", f"## {context.command_path}", "", "```text", usage, "```", "", body, *table]
    return "\n".join(lines)


def _is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option")


def _name(parameter: Any) -> str:
    value = (parameter.metavar or parameter.name.upper()).strip("[].")
    if not _is_option(parameter):
        return f"{value}..." if parameter.nargs == -1 else value
    spelled = ", ".join(parameter.opts)
    return spelled if parameter.is_flag else f"{spelled} {value}"


def _paragraphs(text: str) -> list[str]:
    return text.strip().split("\n\n")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    PAGE.write_text(page().rstrip() + "\n")
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
