"""The loggers and the executor of every job that does not name others."""

import dagster as dg

from orchestration.progress import progress_logger


@dg.definitions
def defaults() -> dg.Definitions:
    return dg.Definitions(
        loggers={"console": dg.colored_console_logger, "progress": progress_logger},
        executor=dg.in_process_executor,
    )
