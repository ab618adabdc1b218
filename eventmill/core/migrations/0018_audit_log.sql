-- Who read or changed personal data through the dashboards API. Rows are only ever added: what can
-- be edited proves nothing.

create table ops.audit_log (
    audit_id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    actor text not null,
    actor_role text not null,
    action text not null,
    subject_hash text,
    detail jsonb not null default '{}'
);

comment on table ops.audit_log is
'One row per act on personal data: who, when, what, on whom. Rows cannot be changed or removed.';
comment on column ops.audit_log.actor is 'The `sub` of the token that acted.';
comment on column ops.audit_log.action is 'What was done, as `thing.done`: see dashboards_api/audit.py.';
comment on column ops.audit_log.subject_hash is
'ops.subject_hash of the person whom it was about, where it was about one.';
comment on column ops.audit_log.detail is 'What was asked for; never personal data.';

create index audit_log_at on ops.audit_log (at);
create index audit_log_subject on ops.audit_log (subject_hash, at) where subject_hash is not null;

create function ops.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '%.% only grows: its rows cannot be changed or removed',
        tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
end
$$;

create trigger only_grows before update or delete on ops.audit_log
for each row execute function ops.refuse_change();

create trigger is_not_emptied before truncate on ops.audit_log
for each statement execute function ops.refuse_change();

-- The log outlives a person's erasure, so it names him by a hash. Without a key anybody could hash
-- all likely ids and compare; the key never leaves the database.
create table ops.audit_key (
    only_one boolean primary key default true check (only_one),
    key bytea not null
);

comment on table ops.audit_key is 'The key of ops.subject_hash: one row, made once.';

insert into ops.audit_key (key)
values (
    decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')
);

create function ops.subject_hash(subject_id text) returns text
language sql stable strict parallel safe as $$
    select encode(sha256(audit_key.key || convert_to(subject_id, 'UTF8')), 'hex')
    from ops.audit_key
$$;

comment on function ops.subject_hash is
'A person''s id as the audit log has it: the same for the same id, and no way back.';

-- Reading dashboards needs neither.
do $$
begin
    if exists (select from pg_roles where rolname = 'eventmill_reader') then
        revoke all on ops.audit_log, ops.audit_key from eventmill_reader;
    end if;
end
$$;
