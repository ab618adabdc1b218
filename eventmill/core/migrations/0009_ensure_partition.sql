-- Two callers that needed the same day at once: the second could fail with "already exists". It
-- looked the table up by name, waited for the lock, and looked it up again in the session's cache,
-- which taking an advisory lock does not bring up to date. A query of pg_class has a snapshot of its
-- own, taken after the lock.
--
-- The look before the lock lets a day that has its partition never wait for one that has not.
create or replace function raw.ensure_partition(day date) returns boolean language plpgsql as $$
declare
    partition text := format('events_%s', to_char(day, 'YYYYMMDD'));
    lower_bound timestamptz := day::timestamp at time zone 'UTC';
    upper_bound timestamptz := (day + 1)::timestamp at time zone 'UTC';
begin
    if exists (
        select from pg_class where relname = partition and relnamespace = 'raw'::regnamespace
    ) then
        return false;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('eventmill.ensure_partition', 0));
    if exists (
        select from pg_class where relname = partition and relnamespace = 'raw'::regnamespace
    ) then
        return false;
    end if;
    execute format(
        'create table raw.%I (like raw.events including defaults including constraints, '
        'check (occurred_at >= %L and occurred_at < %L))', partition, lower_bound, upper_bound
    );
    execute format(
        'alter table raw.events attach partition raw.%I for values from (%L) to (%L)',
        partition, lower_bound, upper_bound
    );
    return true;
end
$$;
