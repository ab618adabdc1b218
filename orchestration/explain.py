"""The command `eventmill explain`: where a number comes from, and why it changed."""

import json
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import typer

from eventmill.core.days import parse_day
from eventmill.core.errors import ConfigurationError


class Metric(StrEnum):
    """The columns of daily_metrics that are numbers."""

    VIEWS = "views"
    CLICKS = "clicks"
    CONVERSIONS = "conversions"
    REVENUE_CENTS = "revenue_cents"
    UNIQUE_VISITORS = "unique_visitors"
    ENGAGEMENT_TIME = "engagement_time"


class Table(StrEnum):
    """What can be explained."""

    DAILY_METRICS = "daily_metrics"


def explain(
    table: Annotated[Table, typer.Argument(help="The table that the number is in.")],
    day: Annotated[str, typer.Option("--date", help="UTC day, YYYY-MM-DD.")],
    asset: Annotated[str | None, typer.Option(help="Id of an IP asset.")] = None,
    project: Annotated[str | None, typer.Option(help="Id of a project.")] = None,
    license_id: Annotated[str | None, typer.Option("--license", help="Id of a license.")] = None,
    metric: Annotated[Metric | None, typer.Option(help="One metric; by default all.")] = None,
    events: Annotated[int, typer.Option(min=0, help="How many events to show.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Say where a number comes from, and why it changed.

    The numbers of a day and entity (without an id the whole platform): when and by which definition
    they were built, from which events, and for each time that a rebuild changed them, why.
    """
    if license_id and (asset or project):
        raise ConfigurationError("no number is of a license and something else: name one")
    from eventmill.core.opening import open_connection
    from orchestration.explained import Entity, explanation
    from orchestration.explained.text import text

    entity = Entity(project_id=project, ip_asset_id=asset, license_id=license_id)
    with open_connection("eventmill explain") as connection:
        connection.execute("begin isolation level repeatable read read only")
        found = explanation(connection, parse_day(day), entity, metric, events)
    if as_json:
        print(json.dumps(found, default=_plain))
    else:
        print("\n".join(text(found)))


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
