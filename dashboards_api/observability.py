"""The Prometheus metrics of this API: its answers, its database connections and its process."""

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from dashboards_api.database import Pool
from eventmill.http.requests import Answered
from eventmill.http.service_metrics import ServiceMetrics

# A dashboard call should take milliseconds; 15 s is where the database gives up.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
POOL_GAUGES = (
    ("connections", "pool_size", "Database connections, busy or idle."),
    ("connections_idle", "pool_available", "Database connections that nobody uses."),
    ("requests_waiting", "requests_waiting", "Requests that wait for a database connection."),
)


class RequestMetrics:
    """The Prometheus metrics of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(ServiceMetrics())
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "eventmill_dashboards_requests",
            "Answers, by route, method and status.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "eventmill_dashboards_request_seconds",
            "Time from the request's arrival to the end of its answer.",
            ("route",),
            buckets=BUCKETS,
            registry=self.registry,
        )

    def count(self, answered: Answered) -> None:
        """Count and time an answer."""
        self._seconds.labels(answered.route).observe(answered.seconds)
        self._requests.labels(answered.route, answered.method, answered.status).inc()

    async def collect(self) -> CollectorRegistry:
        """The metrics as they are now."""
        return self.registry

    def watch(self, pool: Pool) -> None:
        """Show how many connections the pool has and how many requests wait for one."""
        for name, statistic, description in POOL_GAUGES:
            gauge = Gauge(f"eventmill_dashboards_pool_{name}", description, registry=self.registry)
            gauge.set_function(partial(_statistic, pool, statistic))


def _statistic(pool: Pool, name: str) -> float:
    return pool.get_stats().get(name, 0)
