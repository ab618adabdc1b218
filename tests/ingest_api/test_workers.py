"""Several processes of the ingest service: one that is killed comes back, and none is left over."""

import os
import signal
from pathlib import Path

import psutil

from tests.ingest_api.faults import System
from tests.support import free_port, wait_until


def test_a_killed_worker_comes_back_and_workers_end_with_their_parent(
    processes: None, tmp_path: Path
) -> None:
    with System(tmp_path / "home", free_port()) as system:
        system.workers = 2
        system.start_ingest()
        wait_until(lambda: len(system.worker_processes()) == 2)
        killed, other = system.worker_processes()
        killed.kill()
        wait_until(
            lambda: (
                len(found := system.worker_processes()) == 2
                and other in found
                and killed not in found
            )
        )
        wait_until(lambda: system.status() is not None)

        left = system.worker_processes()
        parent = left[0].ppid()
        os.kill(parent, signal.SIGKILL)
        _, alive = psutil.wait_procs(left, timeout=60)
        assert not alive, "they would hold the port"
        system.kill_ingest()
        system.start_ingest()
        assert system.status() is not None
