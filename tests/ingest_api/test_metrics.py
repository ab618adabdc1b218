"""Whichever of several processes is asked, it answers for all of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.ingest_api.faults import System
from tests.ingest_api.support import event, with_key
from tests.support import free_port, wait_until


@pytest.fixture
def system(processes: None, tmp_path: Path) -> Iterator[System]:
    with System(tmp_path / "home", free_port()) as running:
        running.workers = 2
        running.start_ingest()
        wait_until(lambda: len(ready_workers(running)) == 2)
        yield running


def ready_workers(system: System) -> list[psutil.Process]:
    """Those that count: these gauges are made last."""
    counting = {
        int(file.stem.rpartition("_")[2]) for file in metric_files(system, "gauge_livemostrecent")
    }
    return [process for process in system.worker_processes() if process.pid in counting]


def metric_files(system: System, kind: str) -> list[Path]:
    return list((system.home / "run" / "metrics").glob(f"{kind}_*.db"))


@contextmanager
def only(worker: psutil.Process, system: System) -> Iterator[httpx.Client]:
    """A client that nobody but `worker` can answer."""
    others = [process for process in system.worker_processes() if process != worker]
    for process in others:
        process.suspend()
    try:
        headers = with_key(system.key)
        with httpx.Client(base_url=system.url, headers=headers, timeout=30) as api:
            yield api
    finally:
        for process in others:
            process.resume()


def metrics(api: httpx.Client) -> dict[str, float]:
    """Sum of each sample over its labels."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(api.get("/metrics").text):
        for sample in family.samples:
            assert "pid" not in sample.labels
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def test_counts_are_of_all_processes_and_outlive_them(system: System) -> None:
    first, second = ready_workers(system)
    sent = 0
    for worker, requests in ((first, 3), (second, 5)):
        with only(worker, system) as api:
            for _ in range(requests):
                events = {"events": [event(), event(event_type="nope")]}
                assert api.post("/v1/events", json=events).status_code == 200
                sent += 1
            found = metrics(api)
        assert found["eventmill_ingest_events_total"] == 2 * sent
        assert found["eventmill_ingest_request_seconds_count"] == sent
        assert found["eventmill_ingest_commit_rows_sum"] == sent
        assert found["eventmill_ingest_waiting_rows"] == 0
        assert found["eventmill_ingest_plan_current"] == 1
        assert found["eventmill_ingest_spool_usable"] == 1
        assert found["eventmill_ingest_spool_events"] == 0

    first.kill()
    left = f"_{first.pid}.db"
    wait_until(lambda: first not in system.worker_processes())
    wait_until(lambda: len(ready_workers(system)) == 2)
    with only(second, system) as api:
        assert metrics(api)["eventmill_ingest_events_total"] == 2 * sent
    assert not [file for file in metric_files(system, "gauge_live*") if file.name.endswith(left)]

    system.kill_ingest()
    system.start_ingest()
    with httpx.Client(base_url=system.url) as api:
        assert "eventmill_ingest_events_total" not in metrics(api), "a start begins at 0"


@pytest.mark.usefixtures("processes")
def test_one_process_counts_in_its_memory(tmp_path: Path) -> None:
    with System(tmp_path / "home", free_port()) as system:
        system.start_ingest()
        with httpx.Client(base_url=system.url, headers=with_key(system.key)) as api:
            assert api.post("/v1/events", json=event()).status_code == 200
            assert metrics(api)["eventmill_ingest_events_total"] == 1
        assert not (system.home / "run" / "metrics").exists()
