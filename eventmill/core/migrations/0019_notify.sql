-- Changes are told to whoever keeps finished answers, in the transaction that makes them: a message
-- comes exactly when the change can be seen. dashboards_api/invalidation.py says what is in it.

create function raw.tell_change(change jsonb) returns void language sql as $$
    -- A message has less than 8,000 bytes.
    select pg_notify(
        'eventmill_changes',
        case when octet_length(change::text) < 8000 then change::text else '{"everything": true}' end
    )
$$;

create function raw.tell_days(first_day date, last_day date) returns void language sql as $$
    select raw.tell_change(jsonb_build_object('days', jsonb_build_array(first_day, last_day)))
    where first_day is not null
$$;

create function raw.tell_everything() returns trigger language plpgsql as $$
begin
    perform raw.tell_change('{"everything": true}');
    return null;
end
$$;

-- A popular asset has thousands of licenses, and one upload.
create index lifecycle_events_asset_uploader on raw.lifecycle_events (ip_asset_id)
where uploader is not null;

-- Uploads, projects and licenses. An event often names only a part of what it concerns: the end of
-- a license only the license, a new license only the asset. What it does not name is looked up in
-- the other events of the same license, project and asset: brands, projects, and the asset's creator.
create function raw.tell_lifecycle_events() returns trigger language plpgsql as $$
declare
    tags jsonb;
begin
    with named as materialized (
        select distinct
            ip_asset_id,
            project_id,
            license_id,
            brand_id,
            creator_id,
            case when actor_type = 'creator' then actor_id end as acting_creator_id
        from changed
    ),

    of_the_same_license as materialized (
        select distinct events.ip_asset_id, events.project_id, events.brand_id
        from raw.lifecycle_events as events
        inner join named on events.license_id = named.license_id
    ),

    assets as materialized (
        select ip_asset_id from named
        union
        select ip_asset_id from of_the_same_license
    ),

    projects as materialized (
        select project_id from named
        union
        select project_id from of_the_same_license
    ),

    found (kind, id) as (
        select 'asset', ip_asset_id from assets
        union
        select 'project', project_id from projects
        union
        select 'license', license_id from named
        union
        select 'brand', brand_id from named
        union
        select 'brand', brand_id from of_the_same_license
        union
        select 'brand', events.brand_id
        from raw.lifecycle_events as events
        inner join projects on events.project_id = projects.project_id
        where events.event_type = 'project_created'
        union
        select 'creator', creator_id from named
        union
        select 'creator', acting_creator_id from named
        union
        select 'creator', events.uploader
        from raw.lifecycle_events as events
        inner join assets on events.ip_asset_id = assets.ip_asset_id
        where events.uploader is not null
    )

    select jsonb_agg(kind || ':' || id) || '["platform"]' into tags from found where id is not null;
    perform raw.tell_change(jsonb_build_object('tags', tags)) where tags is not null;
    return null;
end
$$;

create trigger tell_new after insert on raw.lifecycle_events
referencing new table as changed
for each statement execute function raw.tell_lifecycle_events();

create trigger tell_deleted after delete on raw.lifecycle_events
referencing old table as changed
for each statement execute function raw.tell_lifecycle_events();

create trigger tell_emptied after truncate on raw.lifecycle_events
for each statement execute function raw.tell_everything();

-- Events that are gone: they may be of a day that is counted from events.
create function raw.tell_deleted_events() returns trigger language plpgsql as $$
begin
    perform raw.tell_days(days.day, days.day)
    from (select distinct (occurred_at at time zone 'UTC')::date as day from changed) as days;
    return null;
end
$$;

create trigger tell_deleted after delete on raw.events
referencing old table as changed
for each statement execute function raw.tell_deleted_events();

create trigger tell_emptied after truncate on raw.events
for each statement execute function raw.tell_everything();

create function raw.tell_spend() returns trigger language plpgsql as $$
begin
    perform raw.tell_days(min(date), max(date)) from changed;
    return null;
end
$$;

create trigger tell_new after insert on raw.ad_spend
referencing new table as changed
for each statement execute function raw.tell_spend();

create trigger tell_changed after update on raw.ad_spend
referencing new table as changed
for each statement execute function raw.tell_spend();

create trigger tell_deleted after delete on raw.ad_spend
referencing old table as changed
for each statement execute function raw.tell_spend();

create trigger tell_emptied after truncate on raw.ad_spend
for each statement execute function raw.tell_everything();

-- A build also credits conversions of the days after its own (the variable lookback_days of dbt).
create function enrichment.tell_build() returns trigger language plpgsql as $$
begin
    perform raw.tell_days(new.first_day, new.last_day + 32);
    return null;
end
$$;

create trigger tell_build after update on enrichment.builds
for each row when (
    (old.finished_at, old.failed_at) is distinct from (new.finished_at, new.failed_at)
)
execute function enrichment.tell_build();

-- From its first replaced model on a day is counted from events: what the others replace changes
-- nothing any more.
create function enrichment.tell_replaced_days() returns trigger language plpgsql as $$
begin
    perform raw.tell_days(days.day, days.day)
    from (select distinct day from changed) as days
    where not exists (
        select from enrichment.replaced_days as others
        where
            others.day = days.day
            and (others.day, others.model) not in (select day, model from changed)
    );
    return null;
end
$$;

create trigger tell_new after insert on enrichment.replaced_days
referencing new table as changed
for each statement execute function enrichment.tell_replaced_days();

-- And when its last note is taken away the day is built again.
create trigger tell_deleted after delete on enrichment.replaced_days
referencing old table as changed
for each statement execute function enrichment.tell_replaced_days();

create trigger tell_emptied after truncate on enrichment.replaced_days
for each statement execute function raw.tell_everything();
