"""Revenue in other currencies than the platform's, which is never added to `revenue_cents`."""

from collections import Counter

from psycopg import AsyncConnection

from dashboards_api.database import tuples
from dashboards_api.metrics.scopes import Scope, built_part, in_windows
from dashboards_api.metrics.service import Coverage

BUILT = """
select money.currency, sum(money.cents::numeric)::bigint
from intermediate.int_entity_days
cross join lateral jsonb_each_text(other_revenue) as money (currency, cents)
where
    {built} and date between %(first)s and %(last)s and date <> all(%(unbuilt)s)
    and other_revenue is not null
group by money.currency
"""

LIVE = """
select currency, sum(amount_cents)::bigint
from intermediate.int_events
where
    {live} and ({windows}) and is_counted and amount_cents > 0 and currency <> platform_currency
group by currency
"""


async def other_revenue(
    connection: AsyncConnection, scope: Scope, coverage: Coverage
) -> dict[str, int]:
    """What `scope` earned in other currencies, in cents by ISO 4217 code, in alphabetical order."""
    money: Counter[str] = Counter()
    live = coverage.live
    if coverage.built:
        parameters = scope.parameters | built_part(coverage.window, live)
        money.update(dict(await tuples(connection, scope.compose(BUILT), parameters)))
    if live:
        windows, bounds = in_windows(live)
        query = scope.compose(LIVE, windows=windows)
        money.update(dict(await tuples(connection, query, scope.parameters | bounds)))
    return dict(sorted(money.items()))
