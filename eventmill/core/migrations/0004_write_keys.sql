-- Who may send events. A key is shown once, when it is made; kept is its SHA-256. It has 192 random
-- bits, so nobody can find it by trying, and a slow hash or a salt would add nothing.

create table raw.write_keys (
    key_id text primary key,
    name text not null check (length(name) between 1 and 200),
    kind text not null check (kind in ('publishable', 'secret')),
    key_hash bytea not null unique check (length(key_hash) = 32),
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);

comment on table raw.write_keys is 'One row per write key ever made. The key itself is not kept.';
