-- Files of events that admins asked for. The dashboards processes make them; this is all that they
-- know of each other's work, so that several do not make one twice and a killed one is taken over.

create schema if not exists ops;

create table ops.exports (
    export_id uuid primary key default gen_random_uuid(),
    requested_by text not null,
    requested_at timestamptz not null default now(),
    format text not null check (format in ('csv', 'jsonl', 'parquet')),
    first_day date not null,
    last_day date not null check (last_day >= first_day),
    filters jsonb not null default '{}',
    include_personal_data boolean not null,
    reason text check (reason is not null or not include_personal_data),
    storage text not null,
    state text not null default 'queued'
    check (state in ('queued', 'running', 'done', 'failed', 'deleted', 'expired', 'erased')),
    attempt int not null default 0,
    not_before timestamptz not null default now(),
    heartbeat_at timestamptz,
    finished_at timestamptz,
    expires_at timestamptz,
    file_key text,
    row_count bigint,
    byte_count bigint,
    dropped_days int not null default 0,
    error text,
    pseudonym_key bytea
    default sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')),
    check ((state = 'done') = (file_key is not null))
);

comment on table ops.exports is
'One row per export ever asked for, also of those whose file is gone.';
comment on column ops.exports.storage is
'Folder or s3:// URL of the file: it is found there also after the setting changed.';
comment on column ops.exports.attempt is
'How often it was begun. Only who began it last may write to this row.';
comment on column ops.exports.pseudonym_key is
'Key of the pseudonyms; it exists only until the file is made, and never leaves the database.';

-- Asked every few seconds by each process; nearly all rows are of exports long over.
create index exports_unfinished on ops.exports (requested_at)
where state in ('queued', 'running');
create index exports_requested_at on ops.exports (requested_at, export_id);

create table ops.export_parts (
    export_id uuid not null references ops.exports on delete cascade,
    day date not null,
    row_count bigint not null,
    part_key text,
    primary key (export_id, day)
);

comment on table ops.export_parts is
'One row per finished UTC day of an export that is being made: what need not be made again.';

-- Reading dashboards needs neither, and least of all the key.
do $$
begin
    if exists (select from pg_roles where rolname = 'eventmill_reader') then
        revoke all on ops.exports, ops.export_parts from eventmill_reader;
    end if;
end
$$;

-- The same value gets the same pseudonym within an export and another one in the next. Two rounds,
-- as in HMAC, and 128 bits of it. Stable, since convert_to is: declared immutable it would not be
-- inlined; a call that is not takes 12 µs.
create function ops.pseudonym(key bytea, value text) returns text
language sql stable parallel safe
return 'p' || left(encode(sha256(key || sha256(key || convert_to(value, 'UTF8'))), 'hex'), 32);
