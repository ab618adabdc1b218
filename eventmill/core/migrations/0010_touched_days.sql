-- Days that got events since they were built. A sequence or a time would not do: of two transactions
-- the one that began first may commit last, and a build in between would miss it. A build takes
-- pg_current_snapshot() before it reads, and when it is done deletes the rows whose last_xid is
-- visible in it; what remains has to be built again.

create table raw.touched_days (
    day date not null,
    writer integer not null,
    last_xid xid8 not null,
    touched_at timestamptz not null default now(),
    events bigint not null,
    primary key (day, writer)
) with (fillfactor = 50);

comment on table raw.touched_days is
'One row per UTC day of events and writer that touched it since its last build.';
comment on column raw.touched_days.writer is
'pg_backend_pid() of the writing connection. Each has its own rows, so no commit waits for another.';
comment on column raw.touched_days.last_xid is
'pg_current_xact_id() of the last commit that touched the day.';
comment on column raw.touched_days.events is
'New events since the row was made.';
