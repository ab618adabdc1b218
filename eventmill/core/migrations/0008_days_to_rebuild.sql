-- Built days whose numbers stand on a classification that changed since. Whoever changes it notes
-- the days in the same transaction; a Dagster sensor has them built again.

create table enrichment.days_to_rebuild (
    day date primary key,
    asked_at timestamptz not null default now(),
    reason text not null
);

comment on table enrichment.days_to_rebuild is
'One row per UTC day that has to be built again. Met by any build of the day that began later.';
