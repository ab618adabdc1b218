"""The write keys that an ingest process knows, and their copy on disk.

The copy holds hashes and ids, no keys. A process that starts while the database is away uses it,
but only if the copy was made from the same database.
"""

import json
import logging
import os
from typing import NamedTuple

from eventmill.core.database import describe
from eventmill.core.settings import get_settings
from ingest_api.keys import KeyKind

log = logging.getLogger("eventmill.ingest")


class KnownKey(NamedTuple):
    key_id: str
    kind: KeyKind


Keys = dict[bytes, KnownKey]
"""By the key's SHA-256."""


class KeptKeys:
    """The file `write_keys.json` of the spool's folder, shared by all processes of this home."""

    def __init__(self, database_url: str) -> None:
        self._database = describe(database_url)
        self._file = get_settings().spool_folder / "write_keys.json"
        self._written: Keys | None = None

    def read(self) -> Keys:
        """The set that was written last; empty if there is none for this database."""
        try:
            kept = json.loads(self._file.read_text())
            if kept["database"] != self._database:
                return {}
            return {bytes.fromhex(h): KnownKey(key_id, kind) for h, key_id, kind in kept["keys"]}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("the kept write keys cannot be read: %s", type(error).__name__)
            return {}

    def write(self, keys: Keys) -> None:
        """Replace the file. A disk that is full costs the copy and nothing else."""
        if keys == self._written:
            return
        rows = [[key_hash.hex(), known.key_id, known.kind] for key_hash, known in keys.items()]
        mine = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(mine, "w", opener=_private) as file:
                json.dump({"database": self._database, "keys": rows}, file)
            mine.replace(self._file)
        except OSError as error:
            log.warning("the write keys cannot be kept on disk: %s", error.strerror)
        else:
            self._written = dict(keys)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
