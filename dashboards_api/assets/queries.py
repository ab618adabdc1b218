"""The SQL that only an asset's metrics need."""

from dataclasses import dataclass

from psycopg import AsyncConnection

from dashboards_api.database import rows
from dashboards_api.metrics.scopes import Scope
from eventmill.days import DayWindow

CHANNELS = """
select
    channel,
    sum(views)::bigint as views,
    sum(clicks)::bigint as clicks,
    sum(conversions)::bigint as conversions,
    sum(revenue_cents)::bigint as revenue_cents,
    count(distinct visitor_id) as unique_visitors,
    sum(engagement_ms)::bigint as engagement_time,
    count(*) filter (
        where not (is_user_agent_enriched and is_referrer_enriched)
    ) as unclassified
from intermediate.int_events
where {live} and occurred_at >= %(start)s and occurred_at < %(end)s and is_counted
group by channel
order by views desc, unique_visitors desc, channel
"""


@dataclass(frozen=True, slots=True)
class Channel:
    """The numbers of one channel over a range; `unclassified` of its events are new to us."""

    channel: str
    views: int
    clicks: int
    conversions: int
    revenue_cents: int
    unique_visitors: int
    engagement_time: int
    unclassified: int


async def channels(connection: AsyncConnection, scope: Scope, days: DayWindow) -> list[Channel]:
    return await rows(connection, Channel, scope.compose(CHANNELS), scope.over(days))
