-- What advertising cost, as analysts load it (`eventmill spend load`). The keys are those of the
-- campaign tags, so that campaign_daily can set cost against what came of it.

create table raw.ad_spend (
    date date not null,
    source text not null,
    medium text,
    campaign text,
    term text,
    content text,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    cost_cents bigint not null check (cost_cents >= 0),
    impressions bigint check (impressions >= 0),
    clicks bigint check (clicks >= 0),
    loaded_at timestamptz not null default now(),
    constraint ad_spend_keys
    unique nulls not distinct (date, source, medium, campaign, term, content, currency)
);

comment on table raw.ad_spend is
'One row per UTC day, campaign tags and currency: what it cost. Tags are in lower case, null where there is none.';
comment on column raw.ad_spend.cost_cents is 'In cents of the currency (ISO 4217).';
