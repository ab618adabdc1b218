-- Reading writes nothing (docs/decisions/0029-reading-writes-nothing.md). Live events may carry user
-- agents and referring domains that have no row in enrichment yet. Whoever reads classifies them in
-- memory and hands the rows over in a setting of the transaction:
--
--     select set_config('eventmill.unstored_user_agents', '[{"user_agent": …}, …]', true)
--
-- int_events joins these functions beside the tables. They have no rows where nothing is handed over.

create function enrichment.unstored_user_agents()
returns setof enrichment.user_agents language sql stable parallel safe as $$
    select *
    from jsonb_populate_recordset(
        null::enrichment.user_agents,
        nullif(current_setting('eventmill.unstored_user_agents', true), '')::jsonb
    )
$$;

create function enrichment.unstored_referrers()
returns setof enrichment.referrers language sql stable parallel safe as $$
    select *
    from jsonb_populate_recordset(
        null::enrichment.referrers,
        nullif(current_setting('eventmill.unstored_referrers', true), '')::jsonb
    )
$$;

comment on function enrichment.unstored_user_agents is
'Rows as in enrichment.user_agents that this transaction handed over in a setting.';
comment on function enrichment.unstored_referrers is
'Rows as in enrichment.referrers that this transaction handed over in a setting.';
