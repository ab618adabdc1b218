"""Removing a person's rows: from raw, from what dbt built, and the id from what others did."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, LiteralString

from psycopg import AsyncConnection, sql

from eventmill.privacy.days import in_days
from eventmill.privacy.holdings import REFUSED, is_of_people, of_person
from eventmill.privacy.mentions import replace_mentions
from eventmill.privacy.relations import Relation, relations
from eventmill.privacy.statements import change, fetch

# Who owns what is the marketplace's record, and rests on the events that say so. The person's name
# goes from it, and all that the record is not about; and the event's id, which the sender knows.
LIFECYCLE: LiteralString = """
with moved as (
    delete from raw.lifecycle_events as events
    where
        events.event_id in (select event_id from subject_events)
        or events.actor_id = any(%(users)s)
        or events.creator_id = any(%(users)s)
        or (
            %(any_word)s <> ''
            and events.props_json::text like any(%(likes)s::text[])
            and events.props_json::text ~ %(any_word)s
        )
    returning
        events.*,
        events.event_id in (select event_id from subject_events)
        or raw.event_people(jsonb_populate_record(null::raw.events, to_jsonb(events)))
        && %(visitors)s::text[] as is_own
)

insert into raw.lifecycle_events (
    event_id, event_type, actor_type, actor_id, creator_id, brand_id, project_id, ip_asset_id,
    license_id, props_json, occurred_at, received_at, trust
)
select
    case when is_own then gen_random_uuid() else event_id end,
    event_type,
    actor_type,
    coalesce(
        (%(user_pseudonyms)s::text[])[array_position(%(users)s::text[], actor_id)], actor_id
    ),
    coalesce(
        (%(user_pseudonyms)s::text[])[array_position(%(users)s::text[], creator_id)], creator_id
    ),
    brand_id,
    project_id,
    ip_asset_id,
    license_id,
    ops.replaced(case
        when not is_own then props_json
        when jsonb_typeof(props_json) = 'object' then (
            select coalesce(jsonb_object_agg(fields.name, fields.item), '{}')
            from jsonb_each(props_json) as fields (name, item)
            where fields.name = any(%(kept)s)
        )
        else '{}'
    end, %(patterns)s::text[], %(replacements)s::text[]),
    occurred_at,
    received_at,
    trust
from moved
"""
# What the dimensions read.
KEPT_PROPS = ["title", "name", "asset_type", "license_type", "territory", "starts_on", "ends_on"]

EVENTS: LiteralString = """
delete from raw.events as events
using subject_events as gone
where {days} and events.occurred_at = gone.occurred_at and events.event_id = gone.event_id
"""
EVENT_IDS: LiteralString = """
delete from raw.event_ids as known
using subject_events as gone
where known.event_id = gone.event_id
"""
IDENTITIES: LiteralString = """
delete from raw.identities
where anonymous_id = any(%(devices)s) or user_id = any(%(users)s)
"""
# A brand's reports are its people's together; others belong to one.
REPORTS: LiteralString = """
delete from ops.reports where owner_role <> 'brand' and owner_id = any(%(users)s)
"""
REJECTED: LiteralString = "delete from raw.rejected_events as refused where {refused}"

# A user agent that only the person sent is as good as a name.
USER_AGENTS: LiteralString = """
delete from enrichment.user_agents as known
where
    known.user_agent in (select user_agent from subject_events)
    and not exists (select from raw.events where events.user_agent = known.user_agent)
"""

DELETE_BUILT: LiteralString = """
with gone as (
    delete from {table} as held where {condition} returning {moment} as moment
)

select (moment at time zone 'UTC')::date, count(*) from gone group by 1
"""
# A number that is in the set of a day must not come to mean somebody else (docs/decisions/0014).
FORGET_VISITOR: LiteralString = """
update {table} set visitor_id = null where visitor_id = any(%(visitors)s)
"""


# Its rows cannot be changed (migration 0018). Who is spoken of there is hashed; who acted is not.
REMAINING: LiteralString = """
select count(*)
from ops.audit_log
where
    actor = any(%(users)s)
    or (
        %(any_word)s <> ''
        and detail::text like any(%(likes)s::text[])
        and detail::text ~ %(any_word)s
    )
"""


@dataclass
class Removed:
    """Rows that are gone, and those that have a pseudonym, by table; and of which UTC days."""

    rows: Counter[str] = field(default_factory=Counter)
    pseudonymised: Counter[str] = field(default_factory=Counter)
    days: set[date] = field(default_factory=set)
    mentioned: set[date] = field(default_factory=set)
    """UTC days of rows of others that named the person."""

    def by_table(self) -> dict[str, int]:
        return {table: rows for table, rows in sorted(self.rows.items()) if rows}

    def pseudonymised_by_table(self) -> dict[str, int]:
        return {table: rows for table, rows in sorted(self.pseudonymised.items()) if rows}


async def remove_raw(
    connection: AsyncConnection, looked_for: Mapping[str, Any], removed: Removed
) -> None:
    """Remove `subject_events`, links, refused events and reports of the person.

    `looked_for` is what `mentions.parameters` makes.
    """
    lifecycle = await change(connection, LIFECYCLE, {**looked_for, "kept": KEPT_PROPS})
    removed.pseudonymised["raw.lifecycle_events"] += lifecycle
    days = [day for (day,) in await fetch(connection, DAYS)]
    if days:
        removed.days.update(days)
        delete = sql.SQL(EVENTS).format(days=in_days("events", days))
        removed.rows["raw.events"] += await change(connection, delete)
        removed.rows["raw.event_ids"] += await change(connection, EVENT_IDS)
        removed.rows["enrichment.user_agents"] += await change(connection, USER_AGENTS)
    removed.rows["raw.identities"] += await change(connection, IDENTITIES, looked_for)
    removed.rows["ops.reports"] += await change(connection, REPORTS, looked_for)
    refused = sql.SQL(REJECTED).format(refused=sql.SQL(REFUSED))
    removed.rows["raw.rejected_events"] += await change(connection, refused, looked_for)


DAYS: LiteralString = "select distinct (occurred_at at time zone 'UTC')::date from subject_events"


async def remove_built(
    connection: AsyncConnection, looked_for: Mapping[str, Any], removed: Removed
) -> None:
    """Remove the person's rows from every table that dbt made, also in schemas of analysts."""
    known = [relation for relation in await relations(connection) if is_of_people(relation)]
    # Whose a credit is may be known to the conversions only, so these go later.
    for relation in sorted(known, key=lambda found: found.names_visitors):
        if relation.numbers_visitors:
            forget = sql.SQL(FORGET_VISITOR).format(table=relation.identifier)
            removed.pseudonymised[str(relation)] += await change(connection, forget, looked_for)
            continue
        for day, rows in await fetch(connection, _delete(relation, known), looked_for):
            removed.rows[str(relation)] += rows
            if day is not None and relation.schema in ("intermediate", "marts"):
                removed.days.add(day)


def _delete(relation: Relation, known: list[Relation]) -> sql.Composed:
    time = relation.time_column
    return sql.SQL(DELETE_BUILT).format(
        table=relation.identifier,
        condition=of_person(relation, known),
        moment=sql.Identifier("held", time) if time else sql.SQL("null::timestamptz"),
    )


async def replace_all_mentions(
    connection: AsyncConnection, looked_for: Mapping[str, Any], removed: Removed
) -> None:
    """Put pseudonyms in place of the ids wherever others' data holds them, in every table."""
    for relation in await relations(connection):
        changed = await replace_mentions(connection, relation, looked_for)
        removed.pseudonymised[str(relation)] += sum(changed.values())
        if relation.schema in ("raw", "intermediate", "marts"):
            removed.mentioned.update(day for day in changed if day is not None)


async def remaining(connection: AsyncConnection, looked_for: Mapping[str, Any]) -> dict[str, int]:
    """Table → rows that hold an id of the person and cannot be changed."""
    [(rows,)] = await fetch(connection, REMAINING, looked_for)
    return {"ops.audit_log": rows} if rows else {}
