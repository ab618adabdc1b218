-- The rules of the marketplace, each once. Dashboards decide with them, dbt's dimensions store what they
-- say, exports carry it. To change a rule, replace its view or function by a new migration.

create schema rules;

comment on schema rules is
'What the stream of events says of the marketplace: whose a thing is, how it stands, when a license holds.';

-- In the order of a thing's life.
create function rules.lifecycle_types() returns text [] language sql immutable parallel safe
return array[
    'asset_uploaded', 'asset_approved', 'asset_rejected',
    'project_created', 'project_started', 'project_completed', 'project_archived',
    'license_created', 'license_signed', 'license_renewed', 'license_expired'
];

comment on function rules.lifecycle_types() is
'The rare event types that say what the marketplace''s things are and whose. raw.lifecycle_events keeps them.';

drop trigger keep_lifecycle_event on raw.events;
drop trigger forget_lifecycle_event on raw.events;

create trigger keep_lifecycle_event after insert on raw.events
for each row when (new.event_type = any (rules.lifecycle_types()))
execute function raw.keep_lifecycle_event();

create trigger forget_lifecycle_event after delete on raw.events
for each row when (old.event_type = any (rules.lifecycle_types()))
execute function raw.forget_lifecycle_event();

-- Not strict, and each argument cheap: so PostgreSQL puts the expression into the query that calls it.
create function rules.iso_date(content text) returns date language sql immutable parallel safe
return case
    when content !~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then null
    when left(content, 4) = '0000' then null
    when
        right(content, 2)::integer > extract(
            day from make_date(left(content, 4)::integer, substr(content, 6, 2)::integer, 1)
            + interval '1 month' - interval '1 day'
        ) then null
    else make_date(
        left(content, 4)::integer, substr(content, 6, 2)::integer, right(content, 2)::integer
    )
end;

comment on function rules.iso_date(text) is
'A `YYYY-MM-DD` of the calendar as a date; null for anything else, never an error.';

create function rules.clean_tag(tag text) returns text language sql immutable parallel safe
return nullif(nullif(lower(btrim(tag) collate "C") collate "default", ''), '(not set)');

comment on function rules.clean_tag(text) is
'A campaign tag as tags are compared: without spaces around it, ASCII letters in lower case; null if it says nothing.';

-- `rules.first(x order by received_at, event_id)`: the first x that is not null.
create function rules.kept(kept anyelement, following anyelement) returns anyelement
language sql immutable strict parallel safe
as 'select kept';

create aggregate rules.first (anyelement) (sfunc = rules.kept, stype = anyelement, parallel = safe);

-- A creator who acts, or whom somebody else, such as the app's server, names.
create view rules.lifecycle_events as
select
    event_id, event_type,
    split_part(event_type, '_', 2) as status,
    array_position(rules.lifecycle_types(), event_type) as order_of_life,
    case when actor_type = 'creator' then actor_id else creator_id end as creator_id,
    brand_id, project_id, ip_asset_id, license_id,
    coalesce(props_json ->> 'title', props_json ->> 'name') as title,
    props_json, occurred_at, received_at
from raw.lifecycle_events;

comment on view rules.lifecycle_events is
'One row per lifecycle event: what it makes of its thing (status), whom it names, and the title that it gives.';
