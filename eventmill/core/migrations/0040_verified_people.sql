-- Whose an event is, by what is proved: docs/decisions/0040-verified-and-claimed-links.md. This takes
-- the place of the function of 0030.

-- People are spelled as visitors are (0038), so that an anonymous id is never an actor. A user whom an
-- event names without an actor counts if a server or a user's token sent it: by a publishable key it is
-- a claim. Rows of exported files from before there were classes have none, and count as a server's.
create or replace function raw.event_people(event raw.events) returns text []
language sql immutable parallel safe as $$
    select case
        when event.actor_id is null
            then array_remove(
                array[
                    rules.visitor(null, event.anonymous_id, event.visitor_id),
                    case
                        when coalesce(event.trust, 3) > 1 then rules.actor_visitor(event.user_id)
                    end
                ],
                null
            )
        when event.actor_type = 'system'
            then array_remove(
                array[
                    rules.anonymous_visitor(event.anonymous_id), rules.actor_visitor(event.user_id)
                ],
                null
            )
        else array[rules.actor_visitor(event.actor_id)]
    end
$$;

comment on function raw.event_people is
'All visitors that stand for the person whose event it is; none if it is nobody''s.';

-- Each kind of id is looked for by its own spelling now.
drop function if exists rules.visitors_of(text []);

-- What files still hold of people who were erased before: an id may be of any kind there.
update ops.warehouse_erasures set
    ids = array(
        select distinct spelled.id
        from unnest(ids) as noted (id)
        cross join lateral (
            values
            (noted.id), (rules.actor_visitor(noted.id)), (rules.anonymous_visitor(noted.id)),
            (rules.visitor(null, null, noted.id))
        ) as spelled (id)
    );

alter table ops.erasures add column if not exists remaining jsonb not null default '{}';

comment on column ops.erasures.remaining is
'Rows that cannot be changed and still hold an id of the person, by table.';
