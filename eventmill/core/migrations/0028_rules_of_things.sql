-- Whose assets, projects and licenses are, and how they stand. The first event to arrive decides whose a
-- thing is, by received_at, which no client sets: nobody takes a thing over by naming it again.

-- An asset has thousands of licenses, and few uploads. Both indexes find the first one at once.
create index lifecycle_events_first_upload
on raw.lifecycle_events (ip_asset_id, received_at, event_id) include (uploader)
where event_type = 'asset_uploaded' and uploader is not null;

create index lifecycle_events_first_project
on raw.lifecycle_events (project_id, received_at, event_id) include (brand_id)
where event_type = 'project_created' and brand_id is not null;

drop index raw.lifecycle_events_asset_uploader;

-- Of each thing and each owner that an event names, those where the first event names this owner. So a
-- condition on the thing and one on the owner both reach an index.
create view rules.asset_creators as
select uploads.ip_asset_id, uploads.uploader as creator_id, first_upload.occurred_at as uploaded_at
from (
    select distinct ip_asset_id, uploader
    from raw.lifecycle_events
    where event_type = 'asset_uploaded' and uploader is not null and ip_asset_id is not null
) as uploads
inner join lateral (
    select uploader, occurred_at
    from raw.lifecycle_events
    where
        ip_asset_id = uploads.ip_asset_id
        and event_type = 'asset_uploaded' and uploader is not null
    order by received_at, event_id
    limit 1
) as first_upload on uploads.uploader = first_upload.uploader;

comment on view rules.asset_creators is
'One row per IP asset that has a creator: whom the first upload to arrive names that names anybody.';

create view rules.project_brands as
select projects.project_id, projects.brand_id
from (
    select distinct project_id, brand_id
    from raw.lifecycle_events
    where event_type = 'project_created' and brand_id is not null and project_id is not null
) as projects
inner join lateral (
    select brand_id
    from raw.lifecycle_events
    where
        project_id = projects.project_id
        and event_type = 'project_created' and brand_id is not null
    order by received_at, event_id
    limit 1
) as first_project on projects.brand_id = first_project.brand_id;

comment on view rules.project_brands is
'One row per project that has a brand: the one that the first project_created to arrive names that names any.';

create view rules.assets as
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
        rules.first(title order by received_at, event_id) filter (where is_upload) as title,
        rules.first(props_json ->> 'asset_type' order by received_at, event_id)
        filter (where is_upload) as asset_type,
        rules.first(occurred_at order by received_at, event_id)
        filter (where is_upload) as first_upload_at,
        max(occurred_at) filter (where event_type = 'asset_approved') as approved_at,
        max(occurred_at) filter (where event_type = 'asset_rejected') as rejected_at
    from (
        select *, event_type = 'asset_uploaded' as is_upload
        from rules.lifecycle_events
        where ip_asset_id is not null
    ) as events
    group by ip_asset_id
) as facts;

comment on view rules.assets is
'One row per IP asset that a lifecycle event names: its creator, its title, and how it was judged last.';

-- By when things happened, and not by when they arrived. Of events of one moment the one further on in
-- life is the later.
create view rules.projects as
select
    project_id,
    (select brand_id from rules.project_brands where project_id = facts.project_id),
    name, status, created_at, started_at, completed_at, archived_at
from (
    select
        project_id,
        rules.first(title order by received_at, event_id) filter (where is_creation) as name,
        rules.first(status order by occurred_at desc, order_of_life desc, event_id desc) as status,
        rules.first(occurred_at order by received_at, event_id)
        filter (where is_creation) as created_at,
        min(occurred_at) filter (where event_type = 'project_started') as started_at,
        max(occurred_at) filter (where event_type = 'project_completed') as completed_at,
        max(occurred_at) filter (where event_type = 'project_archived') as archived_at
    from (
        select *, event_type = 'project_created' as is_creation
        from rules.lifecycle_events
        where event_type like 'project%' and project_id is not null
    ) as events
    group by project_id
) as facts;

comment on view rules.projects is
'One row per project: its brand, its name, and how it stands by the last event that happened.';

create view rules.project_history as
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
        where event_type like 'project%' and project_id is not null
        order by project_id, occurred_at, order_of_life desc, event_id desc
    ) as moments
) as changes
where status_before is null or status <> status_before;

comment on view rules.project_history is
'One row per project and stretch of time in which it had one status; valid_to is exclusive, null while it has it.';

create view rules.creators as
select creator_id, min(occurred_at) as first_active_at, max(occurred_at) as last_active_at
from rules.lifecycle_events
where creator_id is not null
group by creator_id;

comment on view rules.creators is 'One row per creator who did something or whom a lifecycle event names.';

create view rules.brands as
select brand_id, min(occurred_at) as first_active_at, max(occurred_at) as last_active_at
from rules.lifecycle_events
where brand_id is not null
group by brand_id;

comment on view rules.brands is 'One row per brand that a lifecycle event names.';
