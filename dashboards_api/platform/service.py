"""What the platform's metrics are made of."""

from psycopg import AsyncConnection

from dashboards_api.database import Pool
from dashboards_api.metrics import service as metrics
from dashboards_api.metrics.classification import Read, read_classified
from dashboards_api.metrics.queries import moment
from dashboards_api.metrics.schemas import Metrics
from dashboards_api.metrics.scopes import PLATFORM
from dashboards_api.platform.schemas import Growth, PlatformMetrics
from dashboards_api.ranges import MetricsRange
from eventmill.core.days import utc_today


async def platform_metrics(pool: Pool, asked: MetricsRange) -> PlatformMetrics:
    today = utc_today()

    async def read(connection: AsyncConnection) -> Read[PlatformMetrics]:
        now = await moment(connection)
        counted = await metrics.count(connection, PLATFORM, asked.days, today, now, asked.interval)
        before = await metrics.count(connection, PLATFORM, asked.previous(), today, now)
        totals = metrics.totals(counted)
        previous = metrics.previous(before)
        answer = PlatformMetrics(
            range=metrics.answered_range(asked),
            totals=totals,
            growth=growth(totals, previous.totals),
            series=metrics.series(asked, counted),
            meta=await metrics.meta(connection, counted, now),
        )
        if asked.compare:
            answer.previous = previous
        unclassified = counted.unclassified_windows + before.unclassified_windows
        return Read(answer, PLATFORM, unclassified)

    return await read_classified(pool, read)


def growth(now: Metrics, before: Metrics) -> Growth:
    """Relative change of each metric, to four decimals; none against zero."""
    changes = {
        name: round((value - then) / then, 4) if (then := getattr(before, name)) else None
        for name, value in now
    }
    return Growth(**changes)
