-- The raw events of a project or a license, as GET /v1/entities/{type}/{id}/events reads them, and the
-- numbers of a brand's projects on days that are not built. Without them each day is read whole.

create index events_project_id on raw.events (project_id, occurred_at)
where project_id is not null;

create index events_license_id on raw.events (license_id, occurred_at)
where license_id is not null;
