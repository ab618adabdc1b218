-- Ids collide only within one class of trust: docs/decisions/0035-ids-by-class.md. An id is still
-- claimed once over all classes, since models join events by it; whose claim it is says `trust`.

alter table raw.event_ids add column trust smallint;
alter table raw.event_ids add column content bytea;

comment on column raw.event_ids.trust is
'Class of the event''s sender. Null: claimed before there were classes, and taken for whatever class asks.';
comment on column raw.event_ids.content is
'A byte of hash for each field, in the order of ingest_api/collisions.py: enough to name what differs in a duplicate.';

-- A refused event of one class does not hide the same one of another.
drop index raw.rejected_events_once;

create unique index rejected_events_once
on raw.rejected_events (event_id, hashtextextended(event, 0), (sender ->> 'kind'));
