-- Whom the system was told to forget, without knowing who that was.

-- An event that was received before its person was erased, and comes later (out of the spool, by a
-- replay of refused events), must not be stored. The key of the hashes is not in the database.
create table raw.erased_subjects (
    subject_hash bytea primary key check (length(subject_hash) = 32),
    key_id text not null,
    erased_at timestamptz not null
);

comment on table raw.erased_subjects is
'One row per id of an erased person, as a keyed hash: nothing received before erased_at is stored.';
comment on column raw.erased_subjects.key_id is
'Which key made the hash: who has another one cannot tell whether an event is of an erased person.';

-- Each commit of the ingest service looks whether there is an erasure that its events have to be held
-- against: the latest one, found at the end of this index.
create index erased_subjects_erased_at on raw.erased_subjects (erased_at);

create table ops.erasures (
    erasure_id uuid primary key,
    erased_at timestamptz not null,
    subject_hash text not null,
    removed jsonb not null,
    pseudonymised jsonb not null,
    days date [] not null,
    rebuilt_days date [] not null,
    totals_before jsonb,
    totals_after jsonb
);

comment on table ops.erasures is
'One row per erasure: the certificate, which says what was removed and not whose it was.';
comment on column ops.erasures.subject_hash is 'Keyed hash of the id that was asked for, as hexadecimal digits.';
comment on column ops.erasures.removed is 'Rows that were deleted, by table.';
comment on column ops.erasures.pseudonymised is
'Rows in which the id gave way to a pseudonym that stands for nobody, by table.';
comment on column ops.erasures.days is 'UTC days of what was removed.';
comment on column ops.erasures.rebuilt_days is 'Those of them whose marts have to be built again.';
comment on column ops.erasures.totals_before is
'Numbers of the days that have raw events, counted from these. Null: dbt has no views here yet.';

-- Deleting a row notes its day and forgets its id; a million rows of one day would update the day's
-- note a million times, in one transaction, each time past all former versions. Whoever erases a
-- person does both for all rows at once, and says so for the length of his transaction.
drop trigger forget_event_id on raw.events;

create trigger forget_event_id after delete on raw.events
for each row when (current_setting('eventmill.erasing', true) is distinct from 'yes')
execute function raw.forget_event_id();

-- Text with each match of the patterns replaced.
create function ops.replaced(content text, patterns text [], replacements text [])
returns text language plpgsql immutable parallel safe as $$
begin
    for i in 1 .. coalesce(cardinality(patterns), 0) loop
        content := regexp_replace(content, patterns[i], replacements[i], 'g');
    end loop;
    return content;
end
$$;

-- The same in the texts and the names of a JSON value, at any depth.
create function ops.replaced(content jsonb, patterns text [], replacements text [])
returns jsonb language plpgsql immutable parallel safe as $$
begin
    return case jsonb_typeof(content)
        when 'string' then to_jsonb(ops.replaced(content #>> '{}', patterns, replacements))
        when 'array' then (
            select coalesce(
                jsonb_agg(ops.replaced(items.item, patterns, replacements) order by items.position),
                '[]'
            )
            from jsonb_array_elements(content) with ordinality as items (item, position)
        )
        when 'object' then (
            select coalesce(
                jsonb_object_agg(
                    ops.replaced(fields.name, patterns, replacements),
                    ops.replaced(fields.item, patterns, replacements)
                ),
                '{}'
            )
            from jsonb_each(content) as fields (name, item)
        )
        else content
    end;
end
$$;
