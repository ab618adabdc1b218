"""What every job runs with, unless it says something else."""

import dagster as dg

from orchestration.progress import progress_logger


@dg.definitions
def defaults() -> dg.Definitions:
    return dg.Definitions(
        loggers={"console": dg.colored_console_logger, "progress": progress_logger},
        executor=dg.in_process_executor,
    )
