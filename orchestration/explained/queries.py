"""SQL of the explanations; braces are filled by Question."""

from typing import LiteralString

RECEIPT: LiteralString = "select * from marts.daily_builds where date = {date}"

# Of all builds of a day, also of those that failed: they replaced rows too.
RECEIPTS: LiteralString = """
select
    receipts.*,
    builds.snapshot::text as snapshot,
    builds.run_id
from marts.build_receipts as receipts
left join enrichment.builds as builds on receipts.build_id = builds.build_id
where receipts.date = {date}
order by receipts.built_at
"""

BUILT_ROW: LiteralString = """
select
    *,
    (metadata ->> 'bot_events')::bigint as bot_events
from marts.daily_metrics
where date = {date} and {of_row}
"""

CHANGES: LiteralString = """
select * from marts.metric_changes where date = {date} and {of_row} order by replaced_at
"""

LIVE: LiteralString = """
select
    coalesce(sum(views), 0)::bigint as views,
    coalesce(sum(clicks), 0)::bigint as clicks,
    coalesce(sum(conversions), 0)::bigint as conversions,
    coalesce(sum(revenue_cents), 0)::bigint as revenue_cents,
    count(distinct visitor_id) as unique_visitors,
    coalesce(sum(engagement_ms), 0)::bigint as engagement_time
from intermediate.int_events
where {events} and is_counted
"""

BY_TYPE: LiteralString = """
select event_type, count(*) as events
from intermediate.int_events
where {events} and is_counted and {metric}
group by event_type
order by events desc, event_type
"""

BOTS: LiteralString = """
select count(*) as events, count(distinct user_agent) as user_agents
from intermediate.int_events
where {events} and not is_counted
"""

LISTING: LiteralString = """
select event_id, occurred_at, received_at, event_type, visitor_id
from intermediate.int_events
where {events} and is_counted and {metric}
order by occurred_at, event_id
"""

DEFINITIONS: LiteralString = """
select metric, description, sql_expression, definition
from marts.metric_definitions
where metric = any({names})
"""

LATE: LiteralString = """
select
    event_id,
    event_type,
    received_at
from raw.events
where {events} and created_at >= {since} and created_at <= {until}
order by received_at, event_id
"""

# Of the whole day: what is gone does not say any more whose it was.
LATE_OF_DAY: LiteralString = """
select count(*) as events
from raw.events
where {events} and created_at >= {since} and created_at <= {until}
"""

LINKS: LiteralString = """
select
    identities.anonymous_id,
    identities.user_id
from raw.identities as identities
where
    pg_visible_in_snapshot(identities.changed_xid, {later}::pg_snapshot)
    and not pg_visible_in_snapshot(identities.changed_xid, {former}::pg_snapshot)
    and exists (
        select from raw.events as events
        where
            events.anonymous_id = identities.anonymous_id
            and events.actor_id is null
            and {events}
    )
order by identities.anonymous_id
"""
