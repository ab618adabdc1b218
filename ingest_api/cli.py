"""`eventmill import access-log`, `keys`, `spend` and `rejected`.

What is heavy to import is imported when the command runs.
"""

from typing import Annotated

import typer

from ingest_api import key_commands, rejected_commands, spend_commands

app = typer.Typer()
app.add_typer(key_commands.app, name="keys")
app.add_typer(spend_commands.app, name="spend")
app.add_typer(rejected_commands.app, name="rejected")
import_app = typer.Typer(help="Bring events in from elsewhere.", no_args_is_help=True)
app.add_typer(import_app, name="import")


@import_app.callback()
def _keep_names() -> None:
    """Bring events in from elsewhere."""


@import_app.command("access-log")
def access_log(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The log, plain or gzip; - is standard input.")
    ],
    all_requests: Annotated[
        bool,
        typer.Option(
            "--all-requests",
            help="Keep every line that parses, not only page requests that succeeded.",
        ),
    ] = False,
    asset_pattern: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Paths that match become asset_viewed; the group ip_asset_id is the asset's id.",
        ),
    ] = None,
    site: Annotated[
        str, typer.Option(metavar="URL", help="Put before paths to make page_url.")
    ] = "",
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Send to a running service instead of the database."),
    ] = None,
    write_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Secret write key of the service that --url names."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Import an Apache or nginx access log (combined, common or vhost_combined).

    Importing the same log again adds nothing. No IP address is stored. Prints how many events were
    accepted, and lists by number the lines that do not parse. The exit status is 0 also with such
    lines, and 1 if the import did not come to its end.
    """
    from ingest_api.log_command import run

    run(
        file,
        all_requests=all_requests,
        asset_pattern=asset_pattern,
        site=site,
        url=url,
        write_key=write_key,
        as_json=as_json,
    )
