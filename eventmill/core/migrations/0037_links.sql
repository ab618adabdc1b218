-- Who said that an anonymous id is a user, and when: docs/decisions/0040-verified-and-claimed-links.md.
-- `verified` is as old as the table. What is new is not known of older links: null is an unknown class
-- and key, and the client's time stands for that of receipt, so that built numbers stay as they are.

alter table raw.identities
add column received_at timestamptz,
add column key_id text,
add column trust smallint check (trust between 1 and 3);

update raw.identities set received_at = first_seen_at;

alter table raw.identities
alter column received_at set default now(),
alter column received_at set not null;

comment on table raw.identities is
'One row per anonymous id that belongs to a user. A link by a more trusted sender replaces one by a less trusted; of one class the first stays.';
comment on column raw.identities.verified is
'Whether a server or the user''s own token said so. If not, a browser with a publishable key claimed it.';
comment on column raw.identities.received_at is
'When the link as it is arrived. No client sets it.';
comment on column raw.identities.key_id is
'The write key that it came with. Null: none (a token alone, the command line), or not known.';
comment on column raw.identities.trust is
'Class of the sender, as in raw.events. Null: stored before there were classes; verified says what is known.';

-- A claim that is verified later is another link, also where it names the same user.
drop trigger note_changed_identity on raw.identities;

create trigger note_changed_identity before update on raw.identities
for each row when ((old.user_id, old.verified) is distinct from (new.user_id, new.verified))
execute function raw.note_changed_identity();

create view rules.links as
select anonymous_id, user_id as actor_id, verified, received_at
from raw.identities;

comment on view rules.links is
'One row per anonymous id that belongs to an actor: a verified link says so for all time, a claimed one from received_at on.';
