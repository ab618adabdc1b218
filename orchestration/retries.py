"""Which errors are retried: those that pass, such as a server that restarts. Wrong SQL is not."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import psycopg

from eventmill.core.database import connect
from eventmill.warehouse.errors import StorageError

# Waits 10, 30 and 70 seconds: long enough for a database to restart.
three_with_backoff = dg.RetryPolicy(
    max_retries=3, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)

_PASSING = re.compile(
    r"connection|connect to server|terminat|shutting down|starting up|recovery mode|deadlock"
    r"|time-?d? ?out|could not serialize|too many clients|no space left|out of (?:shared )?memory",
    re.IGNORECASE,
)


def passes(message: str) -> bool:
    """Whether an error's text, as dbt gives it, tells of a fault that may be gone later."""
    return _PASSING.search(message) is not None


@contextmanager
def no_retry_in_vain() -> Iterator[None]:
    """Turn an error that would come again into a failure that is final at once.

    So is an interrupt: Dagster applies the retry policy to it, and a run that somebody terminates
    would go on.
    """
    try:
        yield
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError) as interrupt:
        raise dg.Failure(description="interrupted", allow_retries=False) from interrupt
    except (psycopg.OperationalError, StorageError, dg.Failure, dg.RetryRequested):
        raise
    except Exception as error:
        message = f"{type(error).__name__}: {str(error).strip()}"
        raise dg.Failure(description=message, allow_retries=False) from error


@contextmanager
def database(application: str) -> Iterator[psycopg.Connection]:
    """A step's connection, in autocommit mode; no error in the block is retried in vain."""
    with no_retry_in_vain(), connect(autocommit=True, application=application) as connection:
        yield connection
