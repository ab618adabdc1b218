"""The command `import access-log`: checks options, shows progress, prints the summary."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from eventmill.core.errors import ConfigurationError
from ingest_api.log_events import LogOptions, compile_asset_pattern
from ingest_api.log_files import LogFile
from ingest_api.log_import import Import, Problems, Summary
from ingest_api.log_sinks import in_process, over_http


def run(
    file: str,
    *,
    all_requests: bool,
    asset_pattern: str | None,
    site: str,
    url: str | None,
    write_key: str | None,
    as_json: bool,
) -> None:
    """Import and print the summary. Raises EventmillError if it could not be done to the end."""
    options = LogOptions(
        all_requests,
        compile_asset_pattern(asset_pattern) if asset_pattern is not None else None,
        site.rstrip("/"),
    )
    if site and not site.startswith(("http://", "https://")):
        raise ConfigurationError(f"--site {site!r} must begin with http:// or https://")
    if write_key is not None and url is None:
        raise ConfigurationError("--write-key is for --url; without it no key is needed")
    with LogFile(None if file == "-" else Path(file)) as log, _progress(log) as show:
        summary = asyncio.run(_import(log, options, url, write_key, show))
    print(json.dumps(summary.as_dict()) if as_json else describe(summary))
    if summary.damage:
        raise ConfigurationError(
            f"{file} was read to line {summary.lines:,} only: {summary.damage};"
            " import it again when it is whole, nothing is stored twice"
        )


async def _import(
    log: LogFile,
    options: LogOptions,
    url: str | None,
    write_key: str | None,
    show: Callable[[Summary], None],
) -> Summary:
    async with over_http(url, write_key) if url else in_process() as sink:
        return await Import(log, options, sink, show).run()


def describe(summary: Summary) -> str:
    """The summary as text."""
    lines = [
        f"{summary.lines:,} lines: {summary.imported:,} imported,"
        f" {summary.duplicate:,} were stored already"
    ]
    for reason, count in summary.skipped.most_common():
        lines.append(f"  {count:,} skipped: {reason}")
    if summary.blank:
        lines.append(f"  {summary.blank:,} blank")
    lines += _list("do not parse", summary.unparsable)
    lines += _list("were rejected", summary.rejected)
    for column, (first, count) in sorted(summary.unknown_columns.items()):
        lines.append(
            f"  column {column} is not part of the format and was ignored on {count:,} lines"
            f" (the first is line {first:,})"
        )
    return "\n".join(lines)


def _list(what: str, problems: Problems) -> Iterator[str]:
    if not problems.count:
        return
    yield f"  {problems.count:,} {what}:"
    for line, reason in problems.first:
        yield f"    line {line}: {reason}"
    if problems.count > len(problems.first):
        yield f"    and {problems.count - len(problems.first):,} more"


@contextmanager
def _progress(log: LogFile) -> Iterator[Callable[[Summary], None]]:
    """A bar on standard error if that is a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("importing"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[lines]:,} lines"),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("import", total=log.size, lines=0)

        def show(summary: Summary) -> None:
            bar.update(task, completed=log.position() or 0, lines=summary.lines)

        yield show
