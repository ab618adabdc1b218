-- The rare events that say what the marketplace's things are and whose. Who may see which numbers is
-- decided from them, and the dimensions are made of them, so they are kept apart: a look-up visits one
-- small table instead of every partition, and an asset does not lose its creator when the raw event
-- of its upload is past the retention.

create table raw.lifecycle_events (
    event_id uuid primary key,
    event_type text not null,
    actor_type text,
    actor_id text,
    creator_id text,
    brand_id text,
    project_id text,
    ip_asset_id text,
    license_id text,
    props_json jsonb not null,
    occurred_at timestamptz not null,
    received_at timestamptz not null,
    uploader text generated always as (
        case
            when event_type <> 'asset_uploaded' then null
            when actor_type = 'creator' then actor_id
            else creator_id
        end
    ) stored
);

comment on table raw.lifecycle_events is
'One row per event of an upload, a project or a license, copied from raw.events as it is written. Kept for ever.';
comment on column raw.lifecycle_events.uploader is
'Whom an upload makes the creator of its asset: the actor, or whom an upload by somebody else names.';

create index lifecycle_events_asset on raw.lifecycle_events (ip_asset_id);
create index lifecycle_events_license on raw.lifecycle_events (license_id);
create index lifecycle_events_project on raw.lifecycle_events (project_id);
create index lifecycle_events_brand on raw.lifecycle_events (brand_id);
create index lifecycle_events_uploader on raw.lifecycle_events (uploader) where uploader is not null;

create function raw.keep_lifecycle_event() returns trigger language plpgsql as $$
begin
    insert into raw.lifecycle_events (
        event_id, event_type, actor_type, actor_id, creator_id, brand_id, project_id, ip_asset_id,
        license_id, props_json, occurred_at, received_at
    )
    values (
        new.event_id, new.event_type, new.actor_type, new.actor_id, new.creator_id, new.brand_id,
        new.project_id, new.ip_asset_id, new.license_id, new.props_json, new.occurred_at,
        new.received_at
    );
    return null;
end
$$;

-- The condition is what keeps all other events cheap: for them the function is not called.
create trigger keep_lifecycle_event after insert on raw.events
for each row when (
    new.event_type in (
        'asset_uploaded', 'asset_approved', 'asset_rejected',
        'project_created', 'project_started', 'project_completed', 'project_archived',
        'license_created', 'license_signed', 'license_renewed', 'license_expired'
    )
) execute function raw.keep_lifecycle_event();

-- An event that was deleted says nothing any more. Dropping a partition is no deletion.
create function raw.forget_lifecycle_event() returns trigger language plpgsql as $$
begin
    delete from raw.lifecycle_events where event_id = old.event_id;
    return null;
end
$$;

create trigger forget_lifecycle_event after delete on raw.events
for each row when (
    old.event_type in (
        'asset_uploaded', 'asset_approved', 'asset_rejected',
        'project_created', 'project_started', 'project_completed', 'project_archived',
        'license_created', 'license_signed', 'license_renewed', 'license_expired'
    )
) execute function raw.forget_lifecycle_event();

create or replace function raw.forget_all_event_ids() returns trigger language plpgsql as $$
begin
    truncate raw.event_ids, raw.lifecycle_events;
    return null;
end
$$;

insert into raw.lifecycle_events (
    event_id, event_type, actor_type, actor_id, creator_id, brand_id, project_id, ip_asset_id,
    license_id, props_json, occurred_at, received_at
)
select
    event_id, event_type, actor_type, actor_id, creator_id, brand_id, project_id, ip_asset_id,
    license_id, props_json, occurred_at, received_at
from raw.events
where event_type in (
    'asset_uploaded', 'asset_approved', 'asset_rejected',
    'project_created', 'project_started', 'project_completed', 'project_archived',
    'license_created', 'license_signed', 'license_renewed', 'license_expired'
);

-- They served the decision about who may see what, and every insert paid for them.
drop index raw.events_ownership;
drop index raw.events_license_terms;
