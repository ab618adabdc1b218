"""What `eventmill dbt` adds for an analyst: the days to build, and where the other models are."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import psycopg
from psycopg import sql

from eventmill.core.days import ONE_DAY, DayWindow, utc_today
from eventmill.core.partitions import PARTITION_DAYS

SAMPLE_DAYS = 3
# dbt's commands that read relations, and so can read production's where yours are missing.
DEFERRING = ("build", "run", "test", "compile", "show")
# A command with one of these says itself which days it builds.
OF_DAYS = ("--event-time-start", "--event-time-end", "--sample")

# An empty partition takes no space.
LAST_DAY = sql.SQL(
    "select max(day) from ({}) as partitions where pg_relation_size(relation) > 0"
).format(sql.SQL(PARTITION_DAYS))


def deferral(arguments: Sequence[str], state: Path) -> list[str]:
    """dbt's options to read what is not in your schemas from production's, as in `state`.

    So one changed model is built alone, in seconds. Empty for other commands, for the production
    target, when the command says something about it itself, and before there is a manifest.
    """
    says = ("prod", "--defer", "--no-defer", "--state", "--defer-state")
    if names(arguments, *says) or not names(arguments, *DEFERRING):
        return []
    if not (state / "manifest.json").exists():
        return []
    return ["--defer", "--state", str(state)]


def sample_environment(connection: psycopg.Connection, arguments: Sequence[str]) -> dict[str, str]:
    """dbt's variables that limit a development build to the last SAMPLE_DAYS days with events.

    Without any event they are the days up to today: by itself dbt would build every day since
    EVENTMILL_FIRST_DAY. Empty when the command names days itself, or the production target.
    Commands that build nothing do not read them.
    """
    if names(arguments, "prod", *OF_DAYS):
        return {}
    row = connection.execute(LAST_DAY).fetchone()
    last: date = (row[0] if row else None) or utc_today()
    return only(DayWindow(last - (SAMPLE_DAYS - 1) * ONE_DAY, last))


def names(arguments: Sequence[str], *words: str) -> bool:
    """Whether one of `words` is an argument, or a part of one such as `--option=value`."""
    return not {*words}.isdisjoint(part for word in arguments for part in word.split("=", 1))


def only(window: DayWindow) -> dict[str, str]:
    """dbt's variables that limit a build to the days of `window`."""
    return {
        "DBT_EVENT_TIME_START": window.first.isoformat(),
        "DBT_EVENT_TIME_END": window.end.date().isoformat(),
    }
