-- How much the word of an event's sender counts: docs/decisions/0034-classes-of-trust.md. The classes
-- and their order are eventmill/core/trust.py. What was stored before counts as a server's word, so
-- that its numbers stay. A constant default rewrites no partition.

alter table raw.events
add column trust smallint not null default 3 check (trust between 1 and 3);

comment on column raw.events.trust is
'Class of the sender: 3 a secret key, 2 a user''s token, 1 a publishable key. A larger number outranks a smaller one.';

alter table raw.lifecycle_events
add column trust smallint not null default 3 check (trust between 1 and 3);

comment on column raw.lifecycle_events.trust is 'As in raw.events.';

create or replace function raw.keep_lifecycle_event() returns trigger language plpgsql as $$
begin
    insert into raw.lifecycle_events (
        event_id, event_type, actor_type, actor_id, creator_id, brand_id, project_id, ip_asset_id,
        license_id, props_json, occurred_at, received_at, trust
    )
    values (
        new.event_id, new.event_type, new.actor_type, new.actor_id, new.creator_id, new.brand_id,
        new.project_id, new.ip_asset_id, new.license_id, new.props_json, new.occurred_at,
        new.received_at, new.trust
    );
    return null;
end
$$;
