"""The certificate of an erasure, kept in `ops.erasures`. It does not hold the person's ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

INSERT: LiteralString = """
insert into ops.erasures (
    erasure_id, erased_at, subject_hash, removed, pseudonymised, remaining, days, rebuilt_days,
    totals_before, totals_after
) values (
    %(erasure_id)s, %(erased_at)s, %(subject_hash)s, %(removed)s, %(pseudonymised)s, %(remaining)s,
    %(days)s, %(rebuilt_days)s, %(totals_before)s, %(totals_after)s
)
"""

# A build that succeeds takes the notes of its days away.
READ: LiteralString = """
select
    erasures.*,
    array(
        select distinct replaced.day
        from enrichment.replaced_days as replaced
        where
            replaced.model = %(note)s
            and replaced.day = any(erasures.rebuilt_days)
        order by replaced.day
    ) as waiting_days
from ops.erasures as erasures
where erasures.erasure_id = %(erasure_id)s
"""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One erasure. `removed` and `pseudonymised` are rows by table, where there were any."""

    erasure_id: UUID
    erased_at: datetime
    subject_hash: str
    removed: Mapping[str, int]
    pseudonymised: Mapping[str, int]
    remaining: Mapping[str, int]
    """Rows that cannot be changed and hold an id of the person: what an admin did, say."""
    days: Sequence[date]
    """UTC days of what was removed."""
    rebuilt_days: Sequence[date]
    """Those whose marts have to be built again."""
    totals_before: Mapping[str, int] | None
    totals_after: Mapping[str, int] | None
    waiting_days: Sequence[date]
    """Those of `rebuilt_days` that are not built yet: counted live until then."""

    @property
    def state(self) -> str:
        """`asked` until all days are built again, then `built`."""
        return "asked" if self.waiting_days else "built"


def note_of(erasure_id: UUID) -> str:
    """How an erasure's days are marked in enrichment.replaced_days, in place of a model's name."""
    return f"erasure {erasure_id}"


async def store(connection: AsyncConnection, certificate: Certificate) -> None:
    """Keep a certificate, in the transaction of the erasure."""
    await connection.execute(
        INSERT,
        {
            "erasure_id": certificate.erasure_id,
            "erased_at": certificate.erased_at,
            "subject_hash": certificate.subject_hash,
            "removed": Jsonb(certificate.removed),
            "pseudonymised": Jsonb(certificate.pseudonymised),
            "remaining": Jsonb(certificate.remaining),
            "days": list(certificate.days),
            "rebuilt_days": list(certificate.rebuilt_days),
            "totals_before": _json(certificate.totals_before),
            "totals_after": _json(certificate.totals_after),
        },
    )


async def read(connection: AsyncConnection, erasure_id: UUID) -> Certificate | None:
    """The certificate as it stands now; None if there is none of this id."""
    async with connection.cursor(row_factory=class_row(Certificate)) as cursor:
        parameters = {"erasure_id": erasure_id, "note": note_of(erasure_id)}
        await cursor.execute(READ, parameters)
        return await cursor.fetchone()


def _json(totals: Mapping[str, int] | None) -> Jsonb | None:
    return None if totals is None else Jsonb(totals)
