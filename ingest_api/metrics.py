"""What the service counts, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One registry for each application, so that several can live in one process."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.events = Counter(
            "eventmill_ingest_events_total",
            "Events by what became of them and by who sent them: a key's id, or `user`.",
            ["status", "key"],
            registry=self.registry,
        )
        self.requests = Histogram(
            "eventmill_ingest_request_seconds",
            "Time from a request's body to its answer.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.problems = Counter(
            "eventmill_ingest_problems_total",
            "Requests answered with problem+json.",
            ["status"],
            registry=self.registry,
        )
        self.commits = Histogram(
            "eventmill_ingest_commit_seconds",
            "Time of one shared commit.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.group_rows = Histogram(
            "eventmill_ingest_commit_rows",
            "Events in one shared commit.",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000),
            registry=self.registry,
        )
        self.waiting = Gauge(
            "eventmill_ingest_waiting_rows",
            "Events that wait for a commit.",
            registry=self.registry,
        )
        self.plan_current = Gauge(
            "eventmill_ingest_plan_current",
            "1 if the tracking plan in force is what its file says, 0 if the file is broken.",
            registry=self.registry,
        )
        self.spooled = Counter(
            "eventmill_ingest_spooled_events_total",
            "Events that were put into the spool, since the database could not take them.",
            registry=self.registry,
        )
        self.spool_events = Gauge(
            "eventmill_ingest_spool_events",
            "Events of all processes that wait in the spool.",
            registry=self.registry,
        )
        self.spool_bytes = Gauge(
            "eventmill_ingest_spool_bytes",
            "Size of what waits in the spool.",
            registry=self.registry,
        )
        self.spool_age = Gauge(
            "eventmill_ingest_spool_age_seconds",
            "How long the oldest event in the spool has been waiting.",
            registry=self.registry,
        )
        self.spool_usable = Gauge(
            "eventmill_ingest_spool_usable",
            "1 if the spool takes events, 0 if it is full, damaged or its disk is.",
            registry=self.registry,
        )

    def render(self) -> bytes:
        return generate_latest(self.registry)
