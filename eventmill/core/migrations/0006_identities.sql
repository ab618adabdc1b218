-- Which user an anonymous id turned out to be, so that someone who logs in is one visitor, not two.
-- Events are never updated: whoever counts visitors looks the id up here (int_events does).

create table raw.identities (
    anonymous_id text primary key,
    user_id text not null,
    verified boolean not null,
    first_seen_at timestamptz not null
);

comment on table raw.identities is
'One row per anonymous id that belongs to a user. The first link stays; a verified one replaces one that is not.';
comment on column raw.identities.verified is
'Whether a server or the user''s own token said so; a browser with a publishable key only claims it.';

-- Everything held on a user must be found by the user.
create index identities_user_id on raw.identities (user_id);
