"""Errors of files, whether they are in a folder or in a bucket."""

from collections.abc import Iterator
from contextlib import contextmanager

from eventmill.core.errors import EventmillError


class StorageError(EventmillError):
    """A file cannot be written, read, listed or removed: one line with its key and the cause."""


@contextmanager
def storage_errors(what: str) -> Iterator[None]:
    """Raise an OSError as StorageError. `what` says what failed, such as `x cannot be read`."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{what}: {error.strerror or error}") from error
