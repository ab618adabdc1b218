"""The numbers of each channel: built days from the roll-ups of traffic, the others live."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import AsyncConnection, sql

from dashboards_api.database import rows
from dashboards_api.metrics.numbering import numbered
from dashboards_api.metrics.scopes import Scope, built_part, in_windows
from dashboards_api.metrics.sets import count_each
from eventmill.core.days import DayWindow

BUILT = """
select
    channel,
    least(sum(views), 9223372036854775807)::bigint as views,
    least(sum(clicks), 9223372036854775807)::bigint as clicks,
    least(sum(conversions), 9223372036854775807)::bigint as conversions,
    least(sum(revenue_cents), 9223372036854775807)::bigint as revenue_cents,
    least(sum(engagement_time), 9223372036854775807)::bigint as engagement_time,
    0::bigint as unclassified,
    0::bigint as unique_visitors,
    string_agg(visitors, ''::bytea) as visitors
from intermediate.int_traffic_days
where {channels} and date between %(first)s and %(last)s and date <> all(%(unbuilt)s)
group by channel
"""

LIVE = """
with live as materialized (
    select
        channel,
        visitor_id,
        sum(views)::bigint as views,
        sum(clicks)::bigint as clicks,
        sum(conversions)::bigint as conversions,
        sum(revenue_cents)::bigint as revenue_cents,
        sum(engagement_ms)::bigint as engagement_time,
        count(*) filter (
            where not (is_user_agent_enriched and is_referrer_enriched)
        ) as unclassified
    from intermediate.int_events
    where {live} and ({windows}) and is_counted
    group by channel, visitor_id
),

numbered as materialized ({numbered})

select
    live.channel,
    sum(live.views)::bigint as views,
    sum(live.clicks)::bigint as clicks,
    sum(live.conversions)::bigint as conversions,
    sum(live.revenue_cents)::bigint as revenue_cents,
    sum(live.engagement_time)::bigint as engagement_time,
    sum(live.unclassified)::bigint as unclassified,
    count(*) as unique_visitors,
    string_agg(int4send(numbered.visitor_number), ''::bytea) as visitors
from live
inner join numbered on live.visitor_id = numbered.visitor_id
group by live.channel
"""

# Where no day of the range is built nobody needs a number.
WITHOUT_NUMBERS = sql.SQL("select distinct visitor_id, 0 as visitor_number from live")

_SUMS = ("views", "clicks", "conversions", "revenue_cents", "engagement_time", "unclassified")


@dataclass(slots=True)
class Channel:
    """The numbers of one channel over a range; `unclassified` of its events are new to us."""

    channel: str
    views: int
    clicks: int
    conversions: int
    revenue_cents: int
    engagement_time: int
    unclassified: int
    unique_visitors: int
    visitors: bytes

    def unite(self, other: "Channel") -> None:
        """Take in the same channel of other days."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.visitors += other.visitors


async def channels(
    connection: AsyncConnection, scope: Scope, window: DayWindow, live: Sequence[DayWindow]
) -> list[Channel]:
    """The channels of `window`, the most viewed first; `live` are its parts that are not built."""
    nothing_is_built = list(live) == [window]
    found: dict[str, Channel] = {}
    if not nothing_is_built:
        parameters = scope.parameters | built_part(window, live)
        query = scope.compose(BUILT)
        for channel in await rows(
            connection, Channel, query, parameters, prepare=True, binary=True
        ):
            found[channel.channel] = channel
    if live:
        windows, bounds = in_windows(live)
        numbers = WITHOUT_NUMBERS if nothing_is_built else numbered(sql.SQL("live"))
        query = scope.compose(LIVE, windows=windows, numbered=numbers)
        parameters = scope.parameters | bounds
        for channel in await rows(connection, Channel, query, parameters, binary=True):
            if same := found.get(channel.channel):
                same.unite(channel)
            else:
                found[channel.channel] = channel
    if not nothing_is_built:
        counts = count_each([[channel.visitors] for channel in found.values()])
        for channel, count in zip(found.values(), counts, strict=True):
            channel.unique_visitors = count
    return sorted(found.values(), key=lambda c: (-c.views, -c.unique_visitors, c.channel))
