"""SQL of the records that builds keep."""

from typing import LiteralString

# Read before the snapshot is taken: an event whose transaction is not seen here is stored by one
# that began later than this moment.
WATERMARK: LiteralString = """
select least(clock_timestamp(), min(xact_start)) as watermark
from pg_stat_activity
where
    datname = current_database()
    and pid <> pg_backend_pid()
    and backend_type in ('client backend', 'parallel worker')
"""

# Whoever holds the lock of all builds knows that no other build runs.
KILLED: LiteralString = """
update enrichment.builds
set failed_at = clock_timestamp(), error = 'its process was killed, or lost the database'
where finished_at is null and failed_at is null
"""

BEGIN: LiteralString = """
insert into enrichment.builds (
    run_id, root_run_id, first_day, last_day, chunk, chunks, is_whole, project_hash,
    parser_version, snapshot, watermark, reasons
) values (
    %(run_id)s, %(root_run_id)s, %(first_day)s, %(last_day)s, %(chunk)s, %(chunks)s, %(is_whole)s,
    %(project_hash)s, %(parser_version)s, pg_current_snapshot(), %(watermark)s, %(reasons)s
)
returning build_id
"""

# xid8 as text: a number here, and no type of Python's.
TOUCHED: LiteralString = """
select day, writer, last_xid::text from raw.touched_days where day between %(first)s and %(last)s
"""

ASKED: LiteralString = """
select day, asked_xid::text
from enrichment.days_to_rebuild
where day between %(first)s and %(last)s
"""

FINISH: LiteralString = """
update enrichment.builds set finished_at = clock_timestamp() where build_id = %s
"""

FAIL: LiteralString = """
update enrichment.builds
set failed_at = clock_timestamp(), error = %(error)s
where build_id = %(build_id)s and finished_at is null
"""

DAYS_ARE_BUILT: LiteralString = """
delete from enrichment.replaced_days where day between %(first)s and %(last)s
"""

MODELS_ARE_BUILT: LiteralString = "delete from enrichment.replaced_days where build_id = %s"

# Locked in the order in which writers lock theirs, so that neither waits for the other in a circle.
FORGET_TOUCHED: LiteralString = """
with met as (
    select touched.day, touched.writer
    from raw.touched_days as touched
    inner join
        unnest(%(days)s::date [], %(writers)s::integer [], %(xids)s::text [])
            as seen (day, writer, xid)
        on touched.day = seen.day and touched.writer = seen.writer
    where touched.last_xid = seen.xid::xid8
    order by touched.day, touched.writer
    for update of touched
)

delete from raw.touched_days as touched
using met
where touched.day = met.day and touched.writer = met.writer
"""

FORGET_ASKED: LiteralString = """
delete from enrichment.days_to_rebuild as asked
using unnest(%(days)s::date [], %(xids)s::text []) as seen (day, xid)
where
    asked.day = seen.day
    and asked.asked_xid = seen.xid::xid8
"""

# A build of the same days in one of these runs, by the same code, need not be repeated.
FINISHED: LiteralString = """
select distinct first_day, last_day
from enrichment.builds
where
    run_id = any(%(run_ids)s)
    and is_whole
    and finished_at is not null
    and project_hash = %(project_hash)s
    and parser_version = %(parser_version)s
"""
