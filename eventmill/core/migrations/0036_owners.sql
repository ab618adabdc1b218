-- Whose things are, by class of trust: docs/decisions/0036-owners-by-class.md. Of what senders of one class
-- say the first to arrive counts, as before; a more trusted sender outranks a less trusted one, whichever
-- came first. `ownership_corrected` outranks both. How a thing stands is taken from its owner, from an admin
-- and from servers.

create or replace function rules.lifecycle_types() returns text [] language sql immutable parallel safe
return array[
    'asset_uploaded', 'asset_approved', 'asset_rejected',
    'project_created', 'project_started', 'project_completed', 'project_archived',
    'license_created', 'license_signed', 'license_renewed', 'license_expired',
    'ownership_corrected'
];

-- The triggers have the former list folded into their conditions in sessions that have used them.
drop trigger keep_lifecycle_event on raw.events;
drop trigger forget_lifecycle_event on raw.events;

create trigger keep_lifecycle_event after insert on raw.events
for each row when (new.event_type = any (rules.lifecycle_types()))
execute function raw.keep_lifecycle_event();

create trigger forget_lifecycle_event after delete on raw.events
for each row when (old.event_type = any (rules.lifecycle_types()))
execute function raw.forget_lifecycle_event();

-- Who may say whose a thing is: a server, an admin, and a user of themselves (`self_type`). Nobody else,
-- whatever a plan lets a publishable key send.
create function rules.may_claim(trust smallint, actor_type text, self_type text)
returns boolean language sql immutable parallel safe
return trust = 3 or (trust = 2 and actor_type in ('admin', self_type));

comment on function rules.may_claim is
'Whether the sender of an event decides whose a thing is: a server, an admin, or a user who names themselves.';

create index lifecycle_events_claimed_asset
on raw.lifecycle_events (ip_asset_id, trust desc, received_at, event_id) include (uploader, occurred_at)
where
    event_type = 'asset_uploaded' and uploader is not null
    and (trust = 3 or (trust = 2 and actor_type in ('admin', 'creator')));

create index lifecycle_events_claimed_project
on raw.lifecycle_events (project_id, trust desc, received_at, event_id) include (brand_id)
where
    event_type = 'project_created' and brand_id is not null
    and (trust = 3 or (trust = 2 and actor_type in ('admin', 'brand')));

create index lifecycle_events_corrected_asset
on raw.lifecycle_events (ip_asset_id, trust, received_at, event_id) include (creator_id)
where event_type = 'ownership_corrected';

create index lifecycle_events_corrected_project
on raw.lifecycle_events (project_id, trust, received_at, event_id) include (brand_id)
where event_type = 'ownership_corrected';

drop index raw.lifecycle_events_first_upload;
drop index raw.lifecycle_events_first_project;

-- Of each thing and each owner that an event names, those where this owner is the one who counts. So a
-- condition on the thing and one on the owner both reach an index.
create or replace view rules.asset_creators as
select named.ip_asset_id, named.creator_id, first_upload.occurred_at as uploaded_at
from (
    select ip_asset_id, uploader as creator_id
    from raw.lifecycle_events
    where event_type = 'asset_uploaded' and uploader is not null and ip_asset_id is not null
    union
    select ip_asset_id, creator_id
    from raw.lifecycle_events
    where
        event_type = 'ownership_corrected' and creator_id is not null and ip_asset_id is not null
) as named
left join lateral (
    select uploader, occurred_at
    from raw.lifecycle_events
    where
        ip_asset_id = named.ip_asset_id
        and event_type = 'asset_uploaded' and uploader is not null
        and rules.may_claim(trust, actor_type, 'creator')
    order by trust desc, received_at, event_id
    limit 1
) as first_upload on true
left join lateral (
    select creator_id
    from raw.lifecycle_events
    where
        ip_asset_id = named.ip_asset_id
        and event_type = 'ownership_corrected' and creator_id is not null
        and rules.may_claim(trust, actor_type, 'admin')
    order by trust desc, received_at desc, event_id desc
    limit 1
) as correction on true
where named.creator_id = coalesce(correction.creator_id, first_upload.uploader);

comment on view rules.asset_creators is
'One row per IP asset that has a creator: the last correction''s, else whom the first upload of the most trusted class names that names anybody.';

create or replace view rules.project_brands as
select named.project_id, named.brand_id
from (
    select project_id, brand_id
    from raw.lifecycle_events
    where event_type = 'project_created' and brand_id is not null and project_id is not null
    union
    select project_id, brand_id
    from raw.lifecycle_events
    where event_type = 'ownership_corrected' and brand_id is not null and project_id is not null
) as named
left join lateral (
    select brand_id
    from raw.lifecycle_events
    where
        project_id = named.project_id
        and event_type = 'project_created' and brand_id is not null
        and rules.may_claim(trust, actor_type, 'brand')
    order by trust desc, received_at, event_id
    limit 1
) as first_project on true
left join lateral (
    select brand_id
    from raw.lifecycle_events
    where
        project_id = named.project_id
        and event_type = 'ownership_corrected' and brand_id is not null
        and rules.may_claim(trust, actor_type, 'admin')
    order by trust desc, received_at desc, event_id desc
    limit 1
) as correction on true
where named.brand_id = coalesce(correction.brand_id, first_project.brand_id);

comment on view rules.project_brands is
'One row per project that has a brand: the last correction''s, else the one that the first project_created of the most trusted class names that names any.';

-- `is_heard`: whether the event says how its thing stands. A user changes what is theirs and nothing else.
create or replace view rules.lifecycle_events as
select
    event_id, event_type,
    split_part(event_type, '_', 2) as status,
    array_position(rules.lifecycle_types(), event_type) as order_of_life,
    case when actor_type = 'creator' then actor_id else creator_id end as creator_id,
    brand_id, project_id, ip_asset_id, license_id,
    coalesce(props_json ->> 'title', props_json ->> 'name') as title,
    props_json, occurred_at, received_at,
    trust,
    case
        when rules.may_claim(trust, actor_type, 'admin') then true
        when trust < 2 then false
        when event_type = 'asset_uploaded' and actor_type = 'creator' then exists (
            select from rules.asset_creators as owners
            where owners.ip_asset_id = events.ip_asset_id and owners.creator_id = events.actor_id
        )
        when event_type like 'project%' and actor_type = 'brand' then exists (
            select from rules.project_brands as owners
            where owners.project_id = events.project_id and owners.brand_id = events.brand_id
        )
        else false
    end as is_heard
from raw.lifecycle_events as events;

comment on view rules.lifecycle_events is
'One row per lifecycle event: what it makes of its thing (status), whom it names, the title that it gives, and whether its sender is heard.';

create or replace view rules.assets as
select
    ip_asset_id,
    (select creator_id from rules.asset_creators where ip_asset_id = facts.ip_asset_id),
    title,
    asset_type,
    case
        when approved_at >= coalesce(rejected_at, approved_at) then 'approved'
        when rejected_at is not null then 'rejected'
        when first_upload_at is not null then 'uploaded'
        else 'unknown'
    end as status,
    coalesce(
        (select uploaded_at from rules.asset_creators where ip_asset_id = facts.ip_asset_id),
        first_upload_at
    ) as uploaded_at,
    approved_at,
    rejected_at
from (
    select
        ip_asset_id,
        rules.first(title order by trust desc, received_at, event_id)
        filter (where is_upload) as title,
        rules.first(props_json ->> 'asset_type' order by trust desc, received_at, event_id)
        filter (where is_upload) as asset_type,
        rules.first(occurred_at order by trust desc, received_at, event_id)
        filter (where is_upload) as first_upload_at,
        max(occurred_at) filter (where event_type = 'asset_approved') as approved_at,
        max(occurred_at) filter (where event_type = 'asset_rejected') as rejected_at
    from (
        select *, event_type = 'asset_uploaded' as is_upload
        from rules.lifecycle_events
        where ip_asset_id is not null and is_heard
    ) as events
    group by ip_asset_id
) as facts;

comment on view rules.assets is
'One row per IP asset that a lifecycle event names: its creator, its title, and how it was judged last.';

create or replace view rules.projects as
select
    project_id,
    (select brand_id from rules.project_brands where project_id = facts.project_id),
    name, status, created_at, started_at, completed_at, archived_at
from (
    select
        project_id,
        rules.first(title order by trust desc, received_at, event_id)
        filter (where is_creation) as name,
        rules.first(status order by occurred_at desc, order_of_life desc, event_id desc) as status,
        rules.first(occurred_at order by trust desc, received_at, event_id)
        filter (where is_creation) as created_at,
        min(occurred_at) filter (where event_type = 'project_started') as started_at,
        max(occurred_at) filter (where event_type = 'project_completed') as completed_at,
        max(occurred_at) filter (where event_type = 'project_archived') as archived_at
    from (
        select *, event_type = 'project_created' as is_creation
        from rules.lifecycle_events
        where event_type like 'project%' and project_id is not null and is_heard
    ) as events
    group by project_id
) as facts;

comment on view rules.projects is
'One row per project: its brand, its name, and how it stands by the last event of its owner that happened.';

create or replace view rules.project_history as
select
    project_id,
    status,
    occurred_at as valid_from,
    lead(occurred_at) over (partition by project_id order by occurred_at) as valid_to
from (
    select *, lag(status) over (partition by project_id order by occurred_at) as status_before
    from (
        select distinct on (project_id, occurred_at) project_id, status, occurred_at
        from rules.lifecycle_events
        where event_type like 'project%' and project_id is not null and is_heard
        order by project_id, occurred_at, order_of_life desc, event_id desc
    ) as moments
) as changes
where status_before is null or status <> status_before;

comment on view rules.project_history is
'One row per project and stretch of time in which it had one status; valid_to is exclusive, null while it has it.';

-- Its creation tells what a license is for; another event only where that is silent.
create or replace view rules.licenses as
select
    license_id,
    rules.first(ip_asset_id order by trust desc, is_later, received_at, event_id) as ip_asset_id,
    rules.first(project_id order by trust desc, is_later, received_at, event_id) as project_id,
    rules.first(brand_id order by trust desc, is_later, received_at, event_id) as brand_id,
    rules.first(props_json ->> 'license_type' order by trust desc, received_at, event_id)
    as license_type,
    rules.first(props_json ->> 'territory' order by trust desc, received_at, event_id)
    as territory,
    rules.first(status order by occurred_at desc, order_of_life desc, event_id desc) as status,
    count(*) filter (where event_type = 'license_renewed') as renewals,
    rules.first(occurred_at order by trust desc, received_at, event_id)
    filter (where not is_later) as created_at,
    min(occurred_at) filter (where event_type = 'license_signed') as signed_at,
    max(occurred_at) filter (where event_type = 'license_renewed') as renewed_at,
    max(occurred_at) filter (where event_type = 'license_expired') as expired_at
from (
    select *, event_type <> 'license_created' as is_later
    from rules.lifecycle_events
    where event_type like 'license%' and license_id is not null and is_heard
) as events
group by license_id;

comment on view rules.licenses is
'One row per license: what it is for, whose, and how it stands by the last event that happened.';

-- A correction changes the numbers of owners whom its event does not name.
create function raw.tell_correction() returns trigger language plpgsql as $$
begin
    if exists (select from changed where event_type = 'ownership_corrected') then
        perform raw.tell_change('{"everything": true}');
    end if;
    return null;
end
$$;

create trigger tell_correction after insert on raw.lifecycle_events
referencing new table as changed
for each statement execute function raw.tell_correction();

create trigger tell_taken_back after delete on raw.lifecycle_events
referencing old table as changed
for each statement execute function raw.tell_correction();

do $$
begin
    if exists (select from pg_roles where rolname = 'eventmill_reader') then
        grant execute on all functions in schema rules to eventmill_reader;
    end if;
end
$$;
