-- What a distinct value means: one row per user agent and per referring domain ever seen.

create schema enrichment;

create table enrichment.user_agents (
    user_agent text primary key,
    device_type text not null
    check (device_type in ('desktop', 'mobile', 'tablet', 'tv', 'bot', 'other')),
    browser text,
    browser_version text,
    os text,
    os_version text,
    is_bot boolean not null,
    parser_version text not null,
    created_at timestamptz not null default now()
);

comment on table enrichment.user_agents is 'One row per distinct raw.events.user_agent.';
comment on column enrichment.user_agents.parser_version is
'Rules that classified the row; a row with other rules is classified again.';

create table enrichment.referrers (
    referrer_domain text primary key,
    source text not null,
    category text check (category in ('search', 'social', 'video', 'shopping', 'ai')),
    list_version text not null,
    created_at timestamptz not null default now()
);

comment on table enrichment.referrers is
'One row per distinct referring domain (host in lower case, without a leading www.).';
