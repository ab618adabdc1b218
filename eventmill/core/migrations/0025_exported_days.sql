-- What the warehouse holds, so that nobody has to read thousands of manifests to find what is missing.

create table ops.exported_days (
    destination text not null,
    table_name text not null,
    day date not null,
    build text not null,
    run_id text,
    exported_at timestamptz not null,
    built_at timestamptz not null,
    rows bigint not null,
    bytes bigint not null,
    schema_version integer not null,
    key_id text,
    primary key (destination, table_name, day)
);

comment on table ops.exported_days is
'One row per destination, table and UTC day that the warehouse holds: an index of its manifests.';
comment on column ops.exported_days.destination is 'Folder, s3:// or gs:// URL of the warehouse.';
comment on column ops.exported_days.run_id is 'Dagster''s run, or null if a command exported the day.';
comment on column ops.exported_days.built_at is
'Which build of the day it is, as in marts.daily_builds: another one there is not exported yet.';
comment on column ops.exported_days.key_id is
'Which key made the pseudonyms; null where ids are as they are here.';

-- Whom the files still hold: an erasure writes this in its own transaction, and whoever has rewritten
-- the files removes it.
create table ops.warehouse_erasures (
    erasure_id uuid not null,
    destination text not null,
    asked_at timestamptz not null default now(),
    ids text [] not null,
    days date [] not null,
    filtered date [] not null default '{}',
    primary key (erasure_id, destination)
);

comment on table ops.warehouse_erasures is
'One row per erasure and destination whose files are not rewritten yet. Holds no row of old erasures.';
comment on column ops.warehouse_erasures.ids is
'How the files name the person: pseudonyms, or the ids themselves where these are exported.';
comment on column ops.warehouse_erasures.days is
'UTC days whose files have to be exported anew, or filtered where raw events are gone.';
comment on column ops.warehouse_erasures.filtered is
'Those of them that hold no row of the person any more, and are exported anew when they are built.';

do $$
begin
    if exists (select from pg_roles where rolname = 'eventmill_reader') then
        revoke all on ops.exported_days, ops.warehouse_erasures from eventmill_reader;
    end if;
end
$$;

comment on column raw.events.event_id is 'The idempotency key, unique over all days.';
comment on column raw.events.occurred_at is 'When it happened, by the client''s clock; decides the UTC day.';
comment on column raw.events.received_at is 'When the ingest service received it.';
comment on column raw.events.sent_at is 'When the client sent it, by the client''s clock, or null.';
comment on column raw.events.source is 'The sending system (`web`, `access_log`, …).';
comment on column raw.events.event_type is 'A type of the tracking plan.';
comment on column raw.events.actor_type is '`user`, `creator`, `brand`, `admin`, `system` or null.';
comment on column raw.events.actor_id is 'Who acted, if logged in; comes with actor_type.';
comment on column raw.events.anonymous_id is
'Id that a browser keeps for a visitor who is not logged in, or null.';
comment on column raw.events.visitor_id is
'Who did it: the actor, else the anonymous id, else a hash that cannot be traced back after 48 hours.';
comment on column raw.events.session_id is 'Session as the client numbered it, or null.';
comment on column raw.events.project_id is 'Project that the event belongs to, or null.';
comment on column raw.events.ip_asset_id is 'IP asset that the event is about, or null.';
comment on column raw.events.license_id is 'License that the event is about, or null.';
comment on column raw.events.user_id is 'Field of older clients, kept as sent.';
comment on column raw.events.brand_id is 'Brand, where the event has one.';
comment on column raw.events.creator_id is 'Creator, where the event has one.';
comment on column raw.events.props_json is 'Properties of the event, a JSON object.';
comment on column raw.events.page_url is 'Page on which it happened.';
comment on column raw.events.landing_page is 'First page of the visit.';
comment on column raw.events.referrer is 'Page that the visitor came from, as sent.';
comment on column raw.events.user_agent is 'The User-Agent header, at most 1,024 bytes.';
comment on column raw.events.utm_source is 'Campaign tag, as sent.';
comment on column raw.events.utm_medium is 'Campaign tag, as sent.';
comment on column raw.events.utm_campaign is 'Campaign tag, as sent.';
comment on column raw.events.utm_term is 'Campaign tag, as sent.';
comment on column raw.events.utm_content is 'Campaign tag, as sent.';
comment on column raw.events.click_id is 'Click id of an ad network, as sent.';
comment on column raw.events.country is 'Country of the visitor, ISO 3166-1 alpha-2, or null.';
comment on column raw.events.created_at is 'When the row was written.';
