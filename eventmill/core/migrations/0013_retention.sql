-- Days whose raw events the retention job dropped. Their marts stay, and must not be built again: a
-- build replaces a day by what raw has of it, which is nothing.

create table raw.dropped_days (
    day date primary key,
    events bigint not null,
    dropped_at timestamptz not null default now()
);

comment on table raw.dropped_days is
'One row per UTC day whose events were dropped because they were older than the retention period.';
