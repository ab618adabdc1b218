-- When a conversion was received and who sent it decide which touches it pays: docs/decisions/0038. The
-- conversions that are built already learn it here, so that nobody earns of them by sending late.

create index identities_claimed on raw.identities (rules.actor_visitor(user_id)) where not verified;

do $$
begin
    if to_regclass('marts.conversions') is null then
        return;
    end if;
    alter table marts.conversions
    add column received_at timestamptz,
    add column trust smallint;
    update marts.conversions
    set received_at = events.received_at, trust = events.trust
    from raw.events
    where
        conversions.occurred_at = events.occurred_at
        and conversions.conversion_id = events.event_id;
end
$$;
