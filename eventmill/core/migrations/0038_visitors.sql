-- How a visitor is spelled: docs/decisions/0038-credit-and-trust.md. An actor, an anonymous id and a hash
-- of somebody without any id never spell the same visitor, whatever the ids are. These functions are the
-- one home of the rule: ingest stores what they say, int_events asks them of every event (so events that
-- were stored before count the same), and erasure looks for what they say.

-- An actor's id as it is, so that visitors can be joined with users; marked only where it would look
-- like another kind.
create function rules.actor_visitor(actor_id text) returns text
language sql immutable parallel safe
return case when actor_id ~ '^(actor|anon|hash):' then 'actor:' || actor_id else actor_id end;

create function rules.anonymous_visitor(anonymous_id text) returns text
language sql immutable parallel safe
return 'anon:' || anonymous_id;

-- A `visitor_id` without actor and anonymous id is a hash; events of before this migration lack its mark.
create function rules.visitor(actor_id text, anonymous_id text, visitor_id text) returns text
language sql immutable parallel safe
return coalesce(
    rules.actor_visitor(actor_id),
    rules.anonymous_visitor(anonymous_id),
    case when visitor_id like 'hash:%' then visitor_id else 'hash:' || visitor_id end
);

-- For whoever looks for a person: an id that is given may be any of the three, or a visitor already.
create function rules.visitors_of(ids text []) returns text []
language sql immutable parallel safe
return (
    select array_agg(distinct spelled.visitor_id)
    from unnest(ids) as known (id)
    cross join lateral (
        values
        (id), (rules.actor_visitor(id)), (rules.anonymous_visitor(id)),
        (rules.visitor(null, null, id))
    ) as spelled (visitor_id)
);

comment on function rules.actor_visitor(text) is 'How an actor is spelled as a visitor.';
comment on function rules.anonymous_visitor(text) is 'How an anonymous id is spelled as a visitor.';
comment on function rules.visitor(text, text, text) is
'Who an event is counted as, by its own ids: the actor, else the anonymous id, else the hash.';
comment on function rules.visitors_of(text []) is
'All ways in which tables may spell the visitors that these ids stand for.';

comment on column raw.events.visitor_id is
'Who did it: the actor, else `anon:` and the anonymous id, else `hash:` and a hash that cannot be traced back after 48 hours. Stored before 0038: without these marks.';

-- The visitor as it is spelled, beside the ids as they were sent.
create or replace function raw.event_people(event raw.events) returns text []
language sql immutable parallel safe as $$
    select case
        when event.actor_id is null
            then array_remove(
                array[
                    event.anonymous_id, event.user_id, event.visitor_id,
                    rules.visitor(null, event.anonymous_id, event.visitor_id)
                ],
                null
            )
        when event.actor_type = 'system'
            then array_remove(array[event.anonymous_id, event.user_id], null)
        else array[event.actor_id]
    end
$$;

-- What is built already follows, so that a visitor of a built day and of a live one stay one. An id
-- that was both an actor's and an anonymous one was one visitor until now: it stays the actor.
do $$
declare
    built record;
begin
    if to_regclass('marts.visitors') is null then
        return;
    end if;
    create temporary table respelled on commit drop as
    select distinct on (visitor_id)
        visitor_id as former,
        rules.visitor(null, anonymous_id, visitor_id) as visitor_id
    from raw.events as anonymous
    where actor_id is null;
    delete from respelled
    where former in (select actor_id from raw.events where actor_id is not null)
    or former in (select user_id from raw.identities);
    create unique index on respelled (former);
    analyze respelled;
    for built in
        select columns.table_schema, columns.table_name
        from information_schema.columns
        inner join information_schema.tables using (table_schema, table_name)
        where table_schema in ('intermediate', 'marts') and table_type = 'BASE TABLE'
        and column_name = 'visitor_id'
    loop
        execute format(
            'update %I.%I as built set visitor_id = respelled.visitor_id'
            ' from respelled where built.visitor_id = respelled.former',
            built.table_schema, built.table_name
        );
    end loop;
end
$$;
