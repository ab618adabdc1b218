"""What the calls ask of `ops.exports`."""

from typing import LiteralString

CREATE: LiteralString = """
insert into ops.exports (
    requested_by, format, first_day, last_day, filters, include_personal_data, reason, storage,
    dropped_days
)
select
    %(requested_by)s, %(format)s, %(first_day)s, %(last_day)s, %(filters)s,
    %(include_personal_data)s, %(reason)s, %(storage)s, count(*)
from raw.dropped_days
where day between %(first_day)s and %(last_day)s
returning export_id
"""

# A cursor that names no export begins at the end: nothing is after it.
READ: LiteralString = """
select
    export_id, state, format, filters, include_personal_data, reason, requested_by, requested_at,
    finished_at, expires_at, dropped_days, error, storage, file_key,
    jsonb_build_object('start', first_day, 'end', last_day) as range,
    jsonb_build_object(
        'days', last_day - first_day + 1,
        'finished_days',
        case when exports.row_count is null then parts.days else last_day - first_day + 1 end,
        'rows', coalesce(exports.row_count, parts.row_count),
        'through', case when exports.row_count is null then parts.through else last_day end
    ) as progress,
    exports.row_count as rows,
    byte_count as bytes,
    null as download_url,
    null as download_url_expires_at
from ops.exports
cross join lateral (
    select count(*) as days, coalesce(sum(row_count), 0)::bigint as row_count, max(day) as through
    from ops.export_parts
    where export_parts.export_id = exports.export_id
) as parts
where
    (%(export_id)s::uuid is null or export_id = %(export_id)s::uuid)
    and (
        %(cursor)s::uuid is null
        or (requested_at, export_id) < (
            select before.requested_at, before.export_id
            from ops.exports as before
            where before.export_id = %(cursor)s::uuid
        )
    )
order by requested_at desc, export_id desc
limit %(limit)s
"""

DELETE: LiteralString = """
update ops.exports
set
    state = 'deleted',
    file_key = null,
    pseudonym_key = null,
    finished_at = coalesce(finished_at, now())
where export_id = %(export_id)s and state in ('queued', 'running', 'done', 'failed')
"""
FORGET_PARTS: LiteralString = """
delete from ops.export_parts where export_id = any(%(export_ids)s)
"""
