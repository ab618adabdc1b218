"""A copy of the warehouse's files in any place that dlt's filesystem reaches: az://, sftp://, …

Files go as they are, and then the manifest: so the copy has the layout and the rule of the
original, that a file which no manifest names does not exist, and can be read by the same readers.
"""

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from typing import Any, Final

from dlt.common.configuration.resolve import resolve_configuration
from dlt.common.storages import FilesystemConfiguration, fsspec_from_config

from eventmill.core.settings import get_settings
from eventmill.warehouse.loading.errors import DayReplaced
from eventmill.warehouse.loading.rows import opened
from eventmill.warehouse.manifest import File, Manifest
from eventmill.warehouse.reading import MANIFEST, ExportedDay, days_named, folder_of
from eventmill.warehouse.storage import Root

CHUNK_BYTES: Final = 1024 * 1024


class FolderTarget:
    """Files under `<bucket_url>/<dataset>`, with the methods of DatabaseTarget."""

    def __init__(self, dataset: str) -> None:
        secret = get_settings().warehouse_credentials
        given = FilesystemConfiguration()
        if secret:
            given.bucket_url = secret.get_secret_value()
        config = resolve_configuration(given, sections=("destination", "filesystem"))
        files, place = fsspec_from_config(config)
        self._files: Any = files
        self._place = f"{place.rstrip('/')}/{dataset}"
        # Object stores show a file when it is complete.
        self._shows_unfinished = not {"file", "local", "sftp"}.isdisjoint(_protocols(files))

    def loaded(self, tables: Sequence[str]) -> Mapping[tuple[str, date], str]:
        found = {}
        for table in tables:
            folders: dict[str, set[str]] = defaultdict(set)
            for path in self._files.find(f"{self._place}/{table}"):
                folder, name = str(path).split("/")[-2:]
                folders[folder].add(name)
            for day in days_named([folder for folder in folders if MANIFEST in folders[folder]]):
                content = self._files.cat_file(self._path(table, day, MANIFEST))
                # Killed before it was cleared, a day may hold files of whom an erasure took out.
                if folders[folder_of(table, day).split("/")[-1]] == _names(content):
                    found[table, day] = hashlib.sha256(content).hexdigest()
        return found

    def load(self, root: Root, day: date, exported: Sequence[ExportedDay]) -> None:
        for manifest, content, _ in exported:
            self._files.makedirs(self._path(manifest.table, day, ""), exist_ok=True)
            for file in manifest.files:
                self._copy(root, manifest, file)
            with self._written(self._path(manifest.table, day, MANIFEST)) as copy:
                copy.write(content)
            self._clear(manifest)

    def rows(self, table: str, day: date) -> int:
        content = self._files.cat_file(self._path(table, day, MANIFEST))
        return Manifest.from_json(content).rows

    def _copy(self, root: Root, manifest: Manifest, file: File) -> None:
        """Raises DayReplaced if the file is gone, or not the one that the manifest names."""
        digest = hashlib.sha256()
        key = f"{folder_of(manifest.table, manifest.day)}/{file.name}"
        target = self._path(manifest.table, manifest.day, file.name)
        with opened(root, key) as source, self._written(target) as copy:
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
                copy.write(chunk)
            if digest.hexdigest() != file.sha256:
                raise DayReplaced(f"{file.name} of {manifest.table} is not what its manifest says")

    @contextmanager
    def _written(self, path: str) -> Iterator[Any]:
        """A file to write, which is there under its name when it is complete."""
        folder, _, name = path.rpartition("/")
        place = f"{folder}/.{name}.{secrets.token_hex(4)}" if self._shows_unfinished else path
        with self._files.open(place, "wb") as file:
            yield file
        if place != path:
            self._files.mv(place, path)

    def _clear(self, manifest: Manifest) -> None:
        """Remove what the manifest does not name: a former build, or what a killed load left."""
        kept = _names(manifest.to_json())
        folder = self._path(manifest.table, manifest.day, "").rstrip("/")
        self._files.invalidate_cache(folder)
        for path in self._files.ls(folder, detail=False):
            if str(path).split("/")[-1] not in kept:
                with suppress(FileNotFoundError):
                    self._files.rm_file(path)

    def _path(self, table: str, day: date, name: str) -> str:
        return f"{self._place}/{folder_of(table, day)}/{name}"


def _names(manifest: bytes) -> set[str]:
    """All that a day's folder should hold."""
    return {MANIFEST, *(file.name for file in Manifest.from_json(manifest).files)}


def _protocols(files: Any) -> set[str]:
    return {files.protocol} if isinstance(files.protocol, str) else set(files.protocol)
