"""Numbers for visitors whom no build has seen yet, besides those of `marts.visitors`."""

from psycopg import sql

# Each known one is looked up in the index (`offset 0` keeps that apart from the numbering, which
# would ask again). Whom no build has met yet gets a number past all others, for the length of the
# answer.
NUMBERED = """
select
    visitor_id,
    coalesce(
        visitor_number,
        {highest} + row_number() over (partition by visitor_number is null)
    )::integer as visitor_number
from (
    select
        seen.visitor_id,
        {known} as visitor_number
    from (select distinct visitor_id from {people}) as seen
    offset 0
) as people
"""
KNOWN = """(
    select visitors.visitor_number from {visitors} as visitors
    where visitors.visitor_id = seen.visitor_id
)"""
HIGHEST = "(select coalesce(max(visitors.visitor_number), 0) from {visitors} as visitors)"

VISITORS = sql.Identifier("marts", "visitors")


def numbered(
    people: sql.Composable, *, has_numbers: bool = True, visitors: sql.Composable = VISITORS
) -> sql.Composed:
    """A query of `visitor_id, visitor_number`, one row for each `visitor_id` of `people`, which is
    a relation with its conditions. Without `has_numbers` (`visitors` comes with the first build)
    everybody is new."""
    known, highest = (KNOWN, HIGHEST) if has_numbers else ("null::integer", "0")
    return sql.SQL(NUMBERED).format(
        people=people,
        known=sql.SQL(known).format(visitors=visitors),
        highest=sql.SQL(highest).format(visitors=visitors),
    )
