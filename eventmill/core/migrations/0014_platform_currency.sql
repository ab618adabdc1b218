-- The currency that `revenue_cents` is in. Money in another one is never added to it.

create table enrichment.platform_currency (
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    decided_at timestamptz not null default now(),
    is_the_only_row boolean not null default true primary key check (is_the_only_row)
);

comment on table enrichment.platform_currency is
'One row at most: EVENTMILL_CURRENCY, else the currency of the first license that named one. Without it all money counts as the platform''s.';

-- The first money is found without reading other events, while there is no row.
create index events_earning on raw.events (created_at)
where event_type in ('license_created', 'license_renewed');
