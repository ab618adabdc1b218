"""Enrichment assets: only the new distinct values of the built days are classified and stored."""

import time
from collections.abc import Mapping
from datetime import date
from typing import LiteralString

import dagster as dg
import polars as pl
import psycopg

from eventmill.core.database import BUILD_LOCK, advisory_lock
from eventmill.core.enrichment import referrers as referrer_rules
from eventmill.core.enrichment import user_agents as agent_rules
from orchestration.defs.enrichment.queries import (
    ask_for_days,
    new_referrers,
    new_user_agents,
    outdated_user_agents,
)
from orchestration.keys import RAW_EVENTS
from orchestration.partitions import built_days, daily, one_run_per_range
from orchestration.retries import database, three_with_backoff

# A statement carries its rows as arrays: more at once take memory and save no time.
BATCH = 10_000


@dg.asset(
    deps=[RAW_EVENTS],
    description=(
        "enrichment.user_agents: one row per distinct user agent ever seen, with its device,"
        " browser and system and whether it is a bot, by ua-parser and the seed `bots`. When the"
        " seed changes, the next run classifies all of them again."
    ),
    group_name="enrichment",
    owners=["team:data"],
    kinds={"python", "polars", "postgres"},
    partitions_def=daily,
    backfill_policy=one_run_per_range,
    retry_policy=three_with_backoff,
    code_version=agent_rules.PARSER_VERSION,
)
def user_agents(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Classify the user agents of the built days that are new, and all that older rules know.

    Built days on which a bot became a person, or a person a bot, are noted as to be built again;
    the sensor `rebuild_days` has it done.
    """
    started = time.monotonic()
    version = {"parser_version": agent_rules.PARSER_VERSION}
    with database("eventmill enrich") as connection:
        outdated = outdated_user_agents(connection, **version)
        seen = new_user_agents(connection, built_days(context), **version)
        frame = pl.DataFrame(
            agent_rules.classify_user_agents([*outdated, *seen]), schema=list(agent_rules.COLUMNS)
        )
        now = dict(frame.select("user_agent", "is_bot").iter_rows())
        changed = [agent for agent, was_bot in outdated.items() if now[agent] != was_bot]
        days = _store_user_agents(connection, frame, changed)
    if days:
        context.log.info(
            f"{len(changed)} user agents are bots now or no longer: {len(days)} built days,"
            f" {days[0]} to {days[-1]}, will be built again"
        )
    return _result(
        frame["device_type"],
        started,
        {"became or ceased to be bots": len(changed), "days to rebuild": len(days)},
    )


def _store_user_agents(
    connection: psycopg.Connection, frame: pl.DataFrame, changed: list[str]
) -> list[date]:
    """Write `frame`, and note the built days that hold events of the `changed` agents."""
    version = {"parser_version": agent_rules.PARSER_VERSION}
    if not changed:
        _store(connection, frame, agent_rules.UPSERT, version)
        return []
    # Together, so that no crash leaves a day wrong; and while nothing is built, or a build that has
    # read the old rows would look as if it came later.
    reason = f"user agents by {agent_rules.PARSER_VERSION}"
    with advisory_lock(connection, BUILD_LOCK), connection.transaction():
        _store(connection, frame, agent_rules.UPSERT, version)
        return ask_for_days(connection, changed, reason)


@dg.asset(
    deps=[RAW_EVENTS],
    description=(
        "enrichment.referrers: one row per distinct referring domain ever seen, with the site's"
        " short name and whether it is a search engine, a social network, a video site, a shop"
        " or an AI assistant, by GA4's and Matomo's lists."
    ),
    group_name="enrichment",
    owners=["team:data"],
    kinds={"python", "polars", "postgres"},
    partitions_def=daily,
    backfill_policy=one_run_per_range,
    retry_policy=three_with_backoff,
    code_version=referrer_rules.LIST_VERSION,
)
def referrers(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Classify the referring domains of the built days that are new, or known by older lists."""
    started = time.monotonic()
    version = {"list_version": referrer_rules.LIST_VERSION}
    with database("eventmill enrich") as connection:
        seen = new_referrers(connection, built_days(context), **version)
        frame = pl.DataFrame(
            referrer_rules.classify_referrers(seen), schema=list(referrer_rules.COLUMNS)
        )
        _store(connection, frame, referrer_rules.UPSERT, version)
    return _result(frame["category"], started)


def _store(
    connection: psycopg.Connection,
    frame: pl.DataFrame,
    upsert: LiteralString,
    version: dict[str, str],
) -> None:
    """Write `frame`, which is sorted by key: so two runs at once cannot wait for each other."""
    for part in frame.iter_slices(BATCH):
        connection.execute(upsert, {**part.to_dict(as_series=False), **version})


def _result(
    kinds: pl.Series, started: float, more: Mapping[str, int] | None = None
) -> dg.MaterializeResult[None]:
    """Rows that this run wrote, how many of each kind, the seconds it took, and `more`."""
    by_kind = kinds.fill_null("none").value_counts(sort=True, name="rows")
    return dg.MaterializeResult(
        metadata={
            "rows": len(kinds),
            "rows by kind": dict(by_kind.iter_rows()),
            "seconds": round(time.monotonic() - started, 2),
            **(more or {}),
        }
    )
