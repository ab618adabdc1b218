-- What each build of days did and saw, and what it changed.

-- One dbt invocation by Dagster, noted before it starts. The row says from which state of the
-- database the numbers of its days are: what is visible in its snapshot is in them.
create table enrichment.builds (
    build_id uuid primary key default gen_random_uuid(),
    run_id text not null,
    root_run_id text not null,
    first_day date not null,
    last_day date not null,
    chunk integer not null check (chunk >= 1),
    chunks integer not null check (chunks >= chunk),
    is_whole boolean not null,
    project_hash text not null,
    parser_version text not null,
    snapshot pg_snapshot not null,
    watermark timestamptz not null,
    backend_pid integer not null default pg_backend_pid(),
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    failed_at timestamptz,
    error text,
    reasons jsonb not null default '{}',
    check (finished_at is null or failed_at is null)
);

comment on table enrichment.builds is
'One row per dbt invocation that builds days. Neither finished nor failed: it runs, or it was killed.';
comment on column enrichment.builds.run_id is 'Dagster''s run; a range is built in chunks, a row each.';
comment on column enrichment.builds.is_whole is 'Whether every model was built, or a choice of them.';
comment on column enrichment.builds.project_hash is 'Hash of the dbt project that built.';
comment on column enrichment.builds.watermark is
'When the oldest transaction at the snapshot began: every event created before that is in the build.';
comment on column enrichment.builds.backend_pid is
'The connection that holds the lock of all builds for as long as this one runs.';
comment on column enrichment.builds.reasons is 'Why each day was built, as text by day.';

create index builds_days on enrichment.builds (last_day, first_day);
create index builds_run on enrichment.builds (run_id);

-- Days that a build has begun to replace, written by each model in the transaction that replaces
-- its rows, and deleted when a build of the day succeeded. Until then the day counts as not built.
create table enrichment.replaced_days (
    day date not null,
    model text not null,
    build_id uuid not null,
    replaced_at timestamptz not null default now(),
    primary key (day, model)
);

comment on table enrichment.replaced_days is
'One row per UTC day and model that a build replaced without having succeeded yet.';

-- The build that runs: the one whose connection holds the lock of all builds. Null for dbt that
-- somebody runs by hand.
create function enrichment.current_build() returns uuid language sql stable as $$
    select builds.build_id
    from enrichment.builds
    inner join pg_locks on builds.backend_pid = pg_locks.pid
    where
        builds.finished_at is null
        and builds.failed_at is null
        and pg_locks.locktype = 'advisory'
        and pg_locks.granted
        and pg_locks.database = (select oid from pg_database where datname = current_database())
        and pg_locks.objsubid = 1
        and (pg_locks.classid::bigint << 32) | pg_locks.objid::bigint
        = hashtextextended('eventmill.build', 0)
    order by builds.started_at desc
    limit 1
$$;

-- Rows of daily_metrics as they were before a rebuild changed or removed them.
create table enrichment.replaced_metrics (
    date date not null,
    project_id text,
    ip_asset_id text,
    license_id text,
    views bigint not null,
    clicks bigint not null,
    conversions bigint not null,
    revenue_cents bigint not null,
    unique_visitors bigint not null,
    engagement_time bigint not null,
    bot_events bigint not null,
    bot_visitors bigint not null,
    was_removed boolean not null,
    definition text,
    build_id uuid,
    replaced_by uuid,
    replaced_at timestamptz not null default now()
);

comment on table enrichment.replaced_metrics is
'One row per row of marts.daily_metrics that a rebuild changed or removed, with its old values.';

create index replaced_metrics_date on enrichment.replaced_metrics (date);

-- A day that was noted is met by a build that saw the note.
alter table enrichment.days_to_rebuild
add column asked_xid xid8 not null default pg_current_xact_id();

comment on table enrichment.days_to_rebuild is
'One row per UTC day that has to be built again. Met by a build in whose snapshot asked_xid is visible.';
-- A day whose events were deleted is touched too: it has to be built again without them.
create or replace function raw.forget_event_id() returns trigger language plpgsql as $$
begin
    delete from raw.event_ids where event_id = old.event_id;
    insert into raw.touched_days (day, writer, last_xid, events)
    values (
        (old.occurred_at at time zone 'UTC')::date, pg_backend_pid(), pg_current_xact_id(), 0
    )
    on conflict (day, writer) do update set
        last_xid = excluded.last_xid,
        touched_at = excluded.touched_at;
    return null;
end
$$;

comment on column raw.touched_days.events is
'New events since the row was made; 0 if events were only deleted.';

-- A link between an anonymous id and a user changes days that were built without it.
alter table raw.identities add column changed_xid xid8 not null default pg_current_xact_id();

comment on column raw.identities.changed_xid is 'Transaction that made the link what it is.';

create function raw.note_changed_identity() returns trigger language plpgsql as $$
begin
    new.changed_xid = pg_current_xact_id();
    return new;
end
$$;

create trigger note_changed_identity before update on raw.identities
for each row when (old.user_id is distinct from new.user_id)
execute function raw.note_changed_identity();

create table enrichment.identity_passes (
    passed_at timestamptz primary key default clock_timestamp(),
    snapshot pg_snapshot not null,
    links bigint not null,
    days bigint not null
);

comment on table enrichment.identity_passes is
'One row per night: from which links on the days that they change are not noted yet.';
