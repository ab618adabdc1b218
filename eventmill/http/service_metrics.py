"""How often `eventmill up` restarted each of its processes, in the metrics of both APIs.

Each API reports all processes, so the other API reports one that is down.
"""

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from eventmill.core.running import read_state


class ServiceMetrics(Collector):
    """Nothing where the processes run without `eventmill up`."""

    def collect(self) -> Iterator[Metric]:
        restarts = CounterMetricFamily(
            "eventmill_service_restarts",
            "How often a process died and was started again since `eventmill up`.",
            labels=["service"],
        )
        given_up = GaugeMetricFamily(
            "eventmill_service_given_up",
            "1 if a process died too often and is not started again.",
            labels=["service"],
        )
        state = read_state()
        for name, process in (state.processes if state else {}).items():
            restarts.add_metric([name], process.restarts)
            given_up.add_metric([name], process.is_given_up)
        yield restarts
        yield given_up
