-- One row per session. The primary key says the same; this notices if it was lost.
select
    started_at,
    session_id,
    visitor_id,
    count(*) as copies
from {{ ref('sessions') }}
where {{ built_window('started_at', ref('sessions')) }}
group by started_at, session_id, visitor_id
having count(*) > 1
