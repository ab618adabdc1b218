-- Queries that somebody named, to ask them again. What a report answers is decided when it is run, by
-- the rights of whoever runs it.

create table ops.reports (
    report_id uuid primary key default gen_random_uuid(),
    owner_role text not null check (owner_role in ('creator', 'brand', 'admin')),
    owner_id text not null,
    name text not null check (length(name) between 1 and 200),
    description text,
    query jsonb not null,
    created_by text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint reports_name unique (owner_role, owner_id, name)
);

comment on table ops.reports is
'One row per saved report of the dashboards API; it belongs to a creator, a brand or an admin.';
comment on column ops.reports.owner_id is
'The `sub` of a creator''s or admin''s token; for a brand its `brand_id`, so that it is everybody''s there.';
comment on column ops.reports.query is 'The body of `POST /v1/query`.';
comment on column ops.reports.created_by is 'The `sub` of the token that saved it.';
