"""`python -m ingest_api`: the ingest API on its port, in as many processes as the settings say."""

import multiprocessing
import os
import shutil
import signal
import threading

import uvicorn
from fastapi import FastAPI

from eventmill.core.settings import export, get_settings
from eventmill.http.connections import BoundedProtocol

# Requests that were begun are answered within this time when the service is told to stop: a commit
# that fails is given up after 5 s and its events go to the spool. Less than the supervisor's
# patience.
FINISH_SECONDS = 15


def main() -> None:
    """Serve until told to stop."""
    settings = get_settings()
    if settings.ingest_workers > 1:
        _share_metrics()
    uvicorn.run(
        "ingest_api.__main__:create_worker",
        factory=True,
        host=settings.host,
        port=settings.ingest_port,
        workers=settings.ingest_workers,
        http=BoundedProtocol,
        access_log=False,
        proxy_headers=False,  # eventmill/http/proxies.py reads them
        log_level=settings.log_level,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )


def create_worker() -> FastAPI:
    """The application. As one of several processes it ends when the one that started it has died.

    Else it would hold the port, and whoever starts the service again could not.
    """
    from ingest_api.app import create_app

    if parent := multiprocessing.parent_process():

        def end_with_parent() -> None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=end_with_parent, daemon=True).start()
    return create_app()


def _share_metrics() -> None:
    """Let the workers count in files that each of them can read; see `ingest_api.metrics`.

    Counts begin at 0 with each start, as they do in one process.
    """
    folder = get_settings().home / "run" / "metrics"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    export({"PROMETHEUS_MULTIPROC_DIR": str(folder)})


if __name__ == "__main__":
    main()
