"""The Dagster UI, behind a guard: `python -m orchestration.webserver`.

`dagster-webserver` takes a mutation from any web page that the browser of ops has open, as a GET or
as text, and knows no login. This process serves the same application and asks first.
"""

import logging

import uvicorn
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__

from eventmill.core.settings import get_settings
from orchestration.code_server import workspace
from orchestration.guard import guarded, require_login


def main() -> None:
    """Serve until a signal. Raises ConfigurationError before anything listens."""
    settings = get_settings()
    require_login(settings)
    target = WorkspaceFileTarget([str(workspace())])
    with (
        DagsterInstance.get() as instance,
        WorkspaceProcessContext(instance, target, version=__version__) as context,
    ):
        uvicorn.run(
            guarded(create_app_from_workspace_process_context(context), settings),
            host=settings.dagster_host,
            port=settings.dagster_port,
            log_level="warning",
        )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
