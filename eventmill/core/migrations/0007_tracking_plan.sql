-- The tracking plan as it stands in eventmill/tracking_plan.yml, for dbt and for whoever reads the
-- database. `eventmill migrate`, `up` and `demo` write it anew when it changed.

create table raw.tracking_plan (
    event_type text primary key,
    event_group text not null,
    description text not null,
    is_anonymous boolean not null,
    roles text [] not null,
    aliases text [] not null,
    props_schema jsonb not null,
    plan_hash text not null,
    stored_at timestamptz not null default now(),
    removed_at timestamptz
);

comment on table raw.tracking_plan is
'One row per event type that the tracking plan has or had.';
comment on column raw.tracking_plan.is_anonymous is
'Whether a browser may send it without a user token.';
comment on column raw.tracking_plan.roles is 'Which users may send it with their own token.';
comment on column raw.tracking_plan.aliases is 'Other names under which client libraries send it.';
comment on column raw.tracking_plan.props_schema is 'JSON Schema (2020-12) of its props.';
comment on column raw.tracking_plan.plan_hash is
'The plan that brought the type as it is: the first digits of the SHA-256 of all of its types.';
comment on column raw.tracking_plan.removed_at is
'When the plan no longer had it; its old events stay. Null: it is in the plan.';
