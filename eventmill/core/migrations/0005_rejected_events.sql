-- Events that were refused, kept so that they can be tried again when the reason is gone: the
-- tracking plan was corrected, a key got more rights.

create table raw.rejected_events (
    rejected_id bigint generated always as identity primary key,
    event_id uuid not null,
    received_at timestamptz not null,
    key_id text,
    sender jsonb not null,
    route text not null,
    event text not null,
    context jsonb not null,
    errors jsonb not null,
    replayed_at timestamptz,
    replayed_as text check (replayed_as in ('accepted', 'duplicate', 'dropped'))
);

comment on table raw.rejected_events is
'One row per refused event and version of it: the same event refused again adds nothing.';
comment on column raw.rejected_events.event is
'The event as JSON, as sent but for personal data in URLs. Text, not jsonb: what jsonb cannot hold (NUL, half a surrogate pair, NaN) may be why it was refused. JSON spells these as ASCII escapes.';
comment on column raw.rejected_events.context is
'What a replay cannot ask the sender again: user_agent, referrer, visitor_id, country, sent_at.';
comment on column raw.rejected_events.replayed_as is
'What became of the event when a replay took it. Null: not taken yet.';

-- A batch that is written twice, or sent twice, is kept once.
create unique index rejected_events_once
on raw.rejected_events (event_id, hashtextextended(event, 0));
create index rejected_events_waiting on raw.rejected_events (rejected_id) where replayed_at is null;
