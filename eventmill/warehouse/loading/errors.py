"""Errors of a load, with the setting to look at."""

from collections.abc import Iterator
from contextlib import contextmanager

from eventmill.core.errors import ConfigurationError, EventmillError

# Drivers that come with an extra of this package.
EXTRAS = ("bigquery", "snowflake", "redshift", "databricks", "clickhouse")


class LoadFailed(EventmillError):
    """The destination refused, or was not reached after all tries; loaded days stay loaded."""


class DayReplaced(EventmillError):
    """An export has put other files in place of those that were being read."""


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that it came of."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = getattr(error, "exception", None) or error.__cause__ or error.__context__


@contextmanager
def translated(destination: str, doing: str) -> Iterator[None]:
    """dlt's errors as ours. `doing` says what failed, such as `loading 2026-03-01`."""
    from dlt.common.configuration.exceptions import ConfigurationException
    from dlt.common.exceptions import MissingDependencyException

    try:
        yield
    except EventmillError:
        raise
    except Exception as error:  # each driver has a tree of errors of its own
        causes = list(chain(error))
        for cause in causes:
            if isinstance(cause, EventmillError):
                raise cause from error
            if isinstance(cause, MissingDependencyException | ModuleNotFoundError):
                raise ConfigurationError(_missing(destination, cause)) from None
            if isinstance(cause, ConfigurationException):
                raise ConfigurationError(
                    f"the credentials of the destination {destination} are not complete: set"
                    " EVENTMILL_WAREHOUSE_CREDENTIALS, or dlt's own variables"
                    f" (docs/how-to/warehouse-loading.md). {_line(cause)}"
                ) from None
        raise LoadFailed(f"{doing} into {destination}: {_line(causes[-1])}") from error


def _missing(destination: str, cause: BaseException) -> str:
    if destination in EXTRAS:
        return (
            f"the driver of {destination} is not installed: install the extra"
            f" eventmill[{destination}], here with `uv sync --extra {destination}`"
        )
    names = ", ".join(getattr(cause, "dependencies", [])) or str(cause)
    return f"the destination {destination} needs a library that is not installed: {names}"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:500] or type(error).__name__
