"""What every request gets: an id, a place in the Prometheus metrics and a line in the log, which
says what was called and how it went, and nothing of who called, about whom, or with which token."""

import logging
import time
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards_api.database import Pool
from eventmill.core.logs import new_request_id, request_id

log = logging.getLogger("eventmill.dashboards.requests")

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
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "eventmill_dashboards_requests",
            "Answers, by route, method and status.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "eventmill_dashboards_request_seconds",
            "Time from the request's arrival to the end of its answer.",
            ("route",),
            buckets=BUCKETS,
            registry=self.registry,
        )

    def watch(self, pool: Pool) -> None:
        """Show how many connections the pool has and how many requests wait for one."""
        for name, statistic, description in POOL_GAUGES:
            gauge = Gauge(f"eventmill_dashboards_pool_{name}", description, registry=self.registry)
            gauge.set_function(partial(_statistic, pool, statistic))


def _statistic(pool: Pool, name: str) -> float:
    return pool.get_stats().get(name, 0)


class ObservedRequests:
    """ASGI middleware, outermost: gives a request its id, counts, times and logs it."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500
        current = new_request_id(scope["headers"])
        token = request_id.set(current)

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = current
            await send(message)

        started = time.perf_counter()
        try:
            await self.app(scope, receive, observed_send)
        finally:
            seconds = time.perf_counter() - started
            route, method = _route(scope), _method(scope)
            self.metrics.seconds.labels(route).observe(seconds)
            self.metrics.requests.labels(route, method, status).inc()
            fields = {
                "method": method,
                "route": route,
                "status": status,
                "milliseconds": round(seconds * 1000, 1),
                "role": scope.get("state", {}).get("role"),
            }
            log.info("answered", extra={"fields": fields})
            request_id.reset(token)


def _route(scope: Scope) -> str:
    """The route's pattern: ids would make one time series per asset."""
    route: Any = scope.get("route")
    return getattr(route, "path_format", None) or "unknown"


def _method(scope: Scope) -> str:
    """The method, unless the caller made it up: that would make one time series per word."""
    known = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    return scope["method"] if scope["method"] in known else "other"
