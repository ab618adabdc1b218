"""The SQL of saved reports. Every statement names the owner, so others' reports are not found."""

from typing import Any, LiteralString

from psycopg import AsyncConnection

from dashboards_api.database import rows, tuples
from dashboards_api.reports.schemas import Report
from eventmill.core.tokens import Caller

# Two who save at once must both see how many there are.
LOCK = "select pg_advisory_xact_lock(hashtextextended(%(owner_role)s || ':' || %(owner_id)s, 21))"
COUNT = """
select count(*) from ops.reports where owner_role = %(owner_role)s and owner_id = %(owner_id)s
"""
LIST = """
select report_id as id, name, description, query, created_at, updated_at
from ops.reports
where owner_role = %(owner_role)s and owner_id = %(owner_id)s
order by name collate "C"
"""
GET = """
select report_id as id, name, description, query, created_at, updated_at
from ops.reports
where report_id = %(id)s and owner_role = %(owner_role)s and owner_id = %(owner_id)s
"""
INSERT = """
insert into ops.reports (owner_role, owner_id, name, description, query, created_by)
values (
    %(owner_role)s, %(owner_id)s, %(name)s, %(description)s, %(query)s, %(created_by)s
)
returning report_id as id, name, description, query, created_at, updated_at
"""
UPDATE = """
update ops.reports
set name = %(name)s, description = %(description)s, query = %(query)s, updated_at = now()
where report_id = %(id)s and owner_role = %(owner_role)s and owner_id = %(owner_id)s
returning report_id as id, name, description, query, created_at, updated_at
"""
DELETE = """
delete from ops.reports
where report_id = %(id)s and owner_role = %(owner_role)s and owner_id = %(owner_id)s
returning report_id as id, name, description, query, created_at, updated_at
"""


def owner_of(caller: Caller) -> dict[str, str]:
    """Whose the caller's reports are; all of a brand's people share them."""
    owner = str(caller.brand_id) if caller.role == "brand" else caller.sub
    return {"owner_role": caller.role, "owner_id": owner}


async def lock_and_count(connection: AsyncConnection, caller: Caller) -> int:
    """How many reports the caller has; nobody adds one before this transaction ends."""
    await connection.execute(LOCK, owner_of(caller))
    [(count,)] = await tuples(connection, COUNT, owner_of(caller))
    return int(count)


async def reports(
    connection: AsyncConnection, statement: LiteralString, caller: Caller, **values: Any
) -> list[Report]:
    """The caller's reports that `statement` finds, saves, changes or deletes."""
    return await rows(connection, Report, statement, {**owner_of(caller), **values})
