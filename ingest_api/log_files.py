"""The lines of a log from a file or standard input, plain or gzip, in bounded memory."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from eventmill.core.errors import ConfigurationError

GZIP_MAGIC = b"\x1f\x8b"
BOM = "\ufeff"
# Servers cap a request at 8 to 64 KB; a longer "line" is no line of a log.
MAX_LINE_BYTES = 128 * 1024


class LogFile:
    """An open log. Iterating gives each line as text, or None for one that is too long.

    Bytes that are no UTF-8 become U+FFFD. Raises ConfigurationError if the file cannot be opened.
    """

    def __init__(self, path: Path | None) -> None:
        """`path` None is standard input."""
        self._raw: BinaryIO
        self.size: int | None = None
        try:
            if path is None:
                self._raw = sys.stdin.buffer
            else:
                self._raw = path.open("rb")
                self.size = path.stat().st_size
            buffered = cast(io.BufferedReader, self._raw)
            is_gzip = buffered.peek(2)[:2] == GZIP_MAGIC
        except OSError as error:
            raise ConfigurationError(f"cannot read {path or '-'}: {error.strerror}") from None
        self._lines: BinaryIO = self._raw
        if is_gzip:
            self._lines = cast(BinaryIO, io.BufferedReader(gzip.GzipFile(fileobj=self._raw)))
        self.damage: str | None = None
        """Why the file could not be read to its end."""

    def __iter__(self) -> Iterator[str | None]:
        first = True
        try:
            while line := self._lines.readline(MAX_LINE_BYTES):
                if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                    self._skip_to_newline()
                    yield None
                    continue
                text = line.decode(errors="replace").rstrip("\r\n")
                if first:
                    text = text.removeprefix(BOM)
                    first = False
                yield text
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.damage = f"the gzip data is damaged: {error}"
        except OSError as error:
            self.damage = f"reading failed: {error.strerror}"

    def _skip_to_newline(self) -> None:
        while (part := self._lines.readline(MAX_LINE_BYTES)) and not part.endswith(b"\n"):
            continue

    def position(self) -> int | None:
        """Bytes read so far, of `size`; None on standard input."""
        return None if self.size is None else self._raw.tell()

    def __enter__(self) -> "LogFile":
        return self

    def __exit__(self, *_: object) -> None:
        if self.size is not None:
            self._raw.close()
