-- Whose an event is: the one home of the rule. Erasure and disclosure ask it of stored events, the
-- ingest service of events that wait (ingest_api/erasures.py), and the warehouse of rows in exported
-- files (eventmill/warehouse/erasing.py). A new column with an id of a person is one more line here.

-- An event is its actor's. Without an actor, or with a machine for one, it is that of the person whom
-- it names; without an actor also of the visitor. PostgreSQL puts the expression into the query.
create function raw.event_people(event raw.events) returns text []
language sql immutable parallel safe as $$
    select case
        when event.actor_id is null
            then array_remove(array[event.anonymous_id, event.user_id, event.visitor_id], null)
        when event.actor_type = 'system'
            then array_remove(array[event.anonymous_id, event.user_id], null)
        else array[event.actor_id]
    end
$$;

comment on function raw.event_people is
'All ids that stand for the person whose event it is; none if it is nobody''s.';

comment on table ops.audit_log is
'One row per act on personal data, by an API or a command: who, when, what, on whom. Rows cannot be changed or removed.';
comment on column ops.audit_log.actor is
'The `sub` of the token that acted, or the name of the operating system''s user who ran a command.';
comment on column ops.audit_log.actor_role is
'The role of the token, or `os_user` for a command.';
comment on column ops.audit_log.action is
'What was done, as `thing.done`: see eventmill/privacy/audit.py.';
