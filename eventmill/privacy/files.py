"""Whom the warehouse's files still hold after an erasure: noted with it, done soon after it.

Files cannot be rewritten in a transaction. eventmill/warehouse/erasing.py does what is noted here.
"""

from collections.abc import Collection
from datetime import date
from typing import LiteralString
from uuid import UUID

from psycopg import AsyncConnection

from eventmill.privacy.statements import change, fetch
from eventmill.warehouse.pseudonyms import pseudonyms_of

DESTINATIONS: LiteralString = """
select destination, array_agg(distinct day order by day), bool_or(key_id is null)
from ops.exported_days
where day = any(%(days)s)
group by destination
"""
NOTE: LiteralString = """
insert into ops.warehouse_erasures (erasure_id, destination, ids, days)
values (%(erasure_id)s, %(destination)s, %(ids)s, %(days)s)
"""


async def note_files(
    connection: AsyncConnection, erasure_id: UUID, ids: Collection[str], days: Collection[date]
) -> None:
    """Have the exported files of `days` rewritten, in every place that days were exported to."""
    found = await fetch(connection, DESTINATIONS, {"days": sorted(days)})
    for destination, held, has_plain_ids in found:
        names = sorted(map(pseudonyms_of(destination).of, ids))
        if has_plain_ids:
            names += sorted(ids)
        await change(
            connection,
            NOTE,
            {"erasure_id": erasure_id, "destination": destination, "ids": names, "days": held},
        )
