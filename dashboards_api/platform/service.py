"""What the platform's metrics are made of."""

from psycopg import AsyncConnection

from dashboards_api.database import Pool
from dashboards_api.metrics.breakdowns import EVERYTHING
from dashboards_api.metrics.classification import Read, read_classified
from dashboards_api.metrics.queries import moment
from dashboards_api.metrics.scopes import PLATFORM
from dashboards_api.metrics.service import count
from dashboards_api.platform.schemas import Growth, PlatformMetrics
from dashboards_api.ranges import MetricsRange


async def platform_metrics(pool: Pool, asked: MetricsRange) -> PlatformMetrics:
    async def read(connection: AsyncConnection) -> Read[PlatformMetrics]:
        now = await moment(connection)
        counted = await count(connection, EVERYTHING, asked.days, now, asked.interval)
        before = await count(connection, EVERYTHING, asked.previous(), now)
        numbers = counted.total.numbers.items()
        changes = {name: growth_of(value, before.total[name]) for name, value in numbers}
        answer = PlatformMetrics(
            totals=counted.totals(), growth=Growth(**changes), **counted.common(asked)
        )
        if asked.compare:
            answer.previous = before.previous()
        return Read(answer, PLATFORM, counted.unclassified_windows + before.unclassified_windows)

    return await read_classified(pool, read)


def growth_of(now: int, before: int) -> float | None:
    """Relative change, to four decimals; none against zero."""
    return round((now - before) / before, 4) if before else None
