"""The tracking plan in the database, where dbt reads it, and how it differs from the file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, LiteralString

import psycopg
from psycopg.types.json import Jsonb

from eventmill.core.tracking_plan import TrackingPlan

FIELDS = ("event_group", "description", "is_anonymous", "roles", "aliases", "props_schema")

STORED: LiteralString = """
select
    event_type,
    jsonb_build_object(
        'event_group', event_group, 'description', description, 'is_anonymous', is_anonymous,
        'roles', roles, 'aliases', aliases, 'props_schema', props_schema
    )
from raw.tracking_plan
where removed_at is null
"""
# What a type was is written anew only where it differs, so `stored_at` says since when it stands.
STORE: LiteralString = """
insert into raw.tracking_plan as stored (
    event_type, event_group, description, is_anonymous, roles, aliases, props_schema, plan_hash
)
values (
    %(event_type)s, %(event_group)s, %(description)s, %(is_anonymous)s, %(roles)s, %(aliases)s,
    %(props_schema)s, %(plan_hash)s
)
on conflict (event_type) do update set
    event_group = excluded.event_group,
    description = excluded.description,
    is_anonymous = excluded.is_anonymous,
    roles = excluded.roles,
    aliases = excluded.aliases,
    props_schema = excluded.props_schema,
    plan_hash = excluded.plan_hash,
    stored_at = now(),
    removed_at = null
"""
REMOVE: LiteralString = """
update raw.tracking_plan set removed_at = now() where removed_at is null and event_type = any(%s)
"""

Types = dict[str, dict[str, Any]]
"""Event type → its FIELDS."""


@dataclass(frozen=True, slots=True)
class PlanChange:
    """One difference; `path` such as `event_types.page_viewed.props_schema.properties.title`."""

    kind: Literal["added", "removed", "changed"]
    path: str
    before: Any = None
    after: Any = None


def types_of(plan: TrackingPlan) -> Types:
    """The plan as the table has it."""
    return {
        name: {
            "event_group": entry.group,
            "description": entry.description,
            "is_anonymous": entry.anonymous,
            "roles": list(entry.roles),
            "aliases": list(entry.aliases),
            "props_schema": plan.props_schema(name),
        }
        for name, entry in plan.event_types.items()
    }


def stored_types(connection: psycopg.Connection) -> Types:
    """The plan that the database holds, without removed types; empty if it never had one."""
    rows = connection.execute(STORED).fetchall()
    return dict(rows)


def store_plan(connection: psycopg.Connection, plan: TrackingPlan) -> list[PlanChange]:
    """Make the database hold `plan`, in one transaction; what that changed."""
    with connection.transaction():
        connection.execute("lock table raw.tracking_plan in share row exclusive mode")
        changes = differences(stored_types(connection), types_of(plan))
        touched = {change.path.split(".")[1] for change in changes}
        wanted = types_of(plan)
        for name in sorted(touched & wanted.keys()):
            fields = {**wanted[name], "props_schema": Jsonb(wanted[name]["props_schema"])}
            connection.execute(STORE, {**fields, "event_type": name, "plan_hash": plan.hash})
        connection.execute(REMOVE, (sorted(touched - wanted.keys()),))
    return changes


def differences(before: Types, after: Types) -> list[PlanChange]:
    """What turns the plan `before` into `after`, sorted by path."""
    found: list[PlanChange] = []
    _compare("event_types", before, after, found)
    return sorted(found, key=lambda change: change.path)


def _compare(path: str, before: Any, after: Any, found: list[PlanChange]) -> None:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in before.keys() | after.keys():
            below = f"{path}.{name}"
            if name not in after:
                found.append(PlanChange("removed", below, before[name]))
            elif name not in before:
                found.append(PlanChange("added", below, None, after[name]))
            else:
                _compare(below, before[name], after[name], found)
    elif before != after:
        found.append(PlanChange("changed", path, before, after))
