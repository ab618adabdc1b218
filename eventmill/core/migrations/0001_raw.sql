-- Events as they were sent, once each. Never updated.

create schema raw;

create table raw.events (
    event_id uuid not null,
    occurred_at timestamptz not null,
    received_at timestamptz not null default now(),
    sent_at timestamptz,
    source text not null default 'web',
    event_type text not null,
    actor_type text,
    actor_id text,
    anonymous_id text,
    visitor_id text not null,
    session_id text,
    project_id text,
    ip_asset_id text,
    license_id text,
    user_id text,
    brand_id text,
    creator_id text,
    props_json jsonb not null default '{}',
    page_url text,
    landing_page text,
    referrer text,
    user_agent text,
    utm_source text,
    utm_medium text,
    utm_campaign text,
    utm_term text,
    utm_content text,
    click_id text,
    country text,
    created_at timestamptz not null default now()
) partition by range (occurred_at);

comment on table raw.events is
'One row per event, as sent. Partitioned by UTC day of occurred_at; partitions are made when needed.';

-- The asset dashboard and today''s numbers read one asset''s events. Other access paths go through
-- the marts; every further index costs each insert.
create index events_ip_asset_id on raw.events (ip_asset_id, occurred_at)
where ip_asset_id is not null;

-- A unique index of a partitioned table must contain the partition key, so it cannot keep an event
-- id unique across days. This table can: an id is inserted here first, and only what was new goes
-- into raw.events, in the same transaction.
create table raw.event_ids (
    event_id uuid primary key,
    occurred_at timestamptz not null
);

comment on table raw.event_ids is
'One row per event id in raw.events, whatever its day: the idempotency key.';

-- An id must go with its event, or an event that was deleted could never be sent again: it would
-- be answered as a duplicate and stored nowhere.
create function raw.forget_event_id() returns trigger language plpgsql as $$
begin
    delete from raw.event_ids where event_id = old.event_id;
    return null;
end
$$;

create trigger forget_event_id after delete on raw.events
for each row execute function raw.forget_event_id();

create function raw.forget_all_event_ids() returns trigger language plpgsql as $$
begin
    truncate raw.event_ids;
    return null;
end
$$;

create trigger forget_all_event_ids after truncate on raw.events
for each statement execute function raw.forget_all_event_ids();

-- Makes the partition of one UTC day. Attaching a finished table takes SHARE UPDATE EXCLUSIVE on
-- the parent; CREATE TABLE ... PARTITION OF would take ACCESS EXCLUSIVE, and so wait for every
-- reader and make every insert wait behind it.
create function raw.ensure_partition(day date) returns boolean language plpgsql as $$
declare
    partition text := format('events_%s', to_char(day, 'YYYYMMDD'));
    lower_bound timestamptz := day::timestamp at time zone 'UTC';
    upper_bound timestamptz := (day + 1)::timestamp at time zone 'UTC';
begin
    if to_regclass(format('raw.%I', partition)) is not null then
        return false;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('eventmill.ensure_partition', 0));
    if to_regclass(format('raw.%I', partition)) is not null then
        return false;
    end if;
    execute format(
        'create table raw.%I (like raw.events including defaults including constraints, '
        'check (occurred_at >= %L and occurred_at < %L))', partition, lower_bound, upper_bound
    );
    execute format(
        'alter table raw.events attach partition raw.%I for values from (%L) to (%L)',
        partition, lower_bound, upper_bound
    );
    return true;
end
$$;

-- Visitors without any id are told apart by a keyed hash of address and user agent. The key lives
-- for one day and is destroyed 48 hours after it was made; then nobody can link the hash to an
-- address again.
create table raw.visitor_salts (
    day date primary key,
    salt bytea not null,
    created_at timestamptz not null default now()
);
