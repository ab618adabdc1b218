"""Values in memory: bounded in bytes, for a limited time, dropped by tag.

cachetools has such a container, but does not update tags when it evicts an entry.
"""

import time
from collections import OrderedDict, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field

from eventmill.core.days import DayWindow

Key = tuple[Hashable, ...]

# What an entry takes besides its bytes: its key, its tags and their places in the indexes.
# An estimate, so the bound on memory is one too.
OVERHEAD = 1_500


@dataclass(frozen=True, slots=True)
class Change:
    """What a transaction changed: what has one of these tags, what covers one of these days."""

    tags: frozenset[str] = frozenset()
    days: DayWindow | None = None
    everything: bool = False


EVERYTHING = Change(everything=True)


@dataclass(frozen=True, slots=True)
class Basis:
    """What an answer stands on: entities by their tags, and days; None is every day."""

    tags: frozenset[str]
    days: DayWindow | None

    def changed_by(self, change: Change) -> bool:
        if change.everything or not self.tags.isdisjoint(change.tags):
            return True
        return change.days is not None and self.covers_any_of(change.days)

    def covers_any_of(self, days: DayWindow) -> bool:
        mine = self.days
        return mine is None or (mine.first <= days.last and days.first <= mine.last)


@dataclass(frozen=True, slots=True)
class Finished:
    """An answer as bytes. `body` says that it is not from the cache, `cached_body` that it is."""

    body: bytes
    cached_body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Entry:
    finished: Finished
    basis: Basis
    expires: float
    size: int


@dataclass(slots=True)
class Store:
    """At most `max_bytes` of entries; those that were not used for longest leave first."""

    max_bytes: int
    size: int = 0
    _entries: OrderedDict[Key, Entry] = field(default_factory=OrderedDict)
    _by_tag: defaultdict[str, set[Key]] = field(default_factory=lambda: defaultdict(set))

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Finished | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires <= time.monotonic():
            self._remove(key)
            return None
        self._entries.move_to_end(key)
        return entry.finished

    def put(self, key: Key, finished: Finished, basis: Basis, seconds: float) -> None:
        """Keep `finished` for so many seconds. What is larger than all memory is not kept."""
        # A hit sends the other body, so this one is not kept.
        kept = Finished(b"", finished.cached_body, finished.etag)
        size = len(kept.cached_body) + OVERHEAD
        if key in self._entries:
            self._remove(key)
        if size > self.max_bytes:
            return
        self._entries[key] = Entry(kept, basis, time.monotonic() + seconds, size)
        self.size += size
        for tag in basis.tags:
            self._by_tag[tag].add(key)
        while self.size > self.max_bytes:
            self._remove(next(iter(self._entries)))

    def drop(self, change: Change) -> int:
        """Forget what `change` concerns; how many entries that was."""
        if change.everything:
            dropped = len(self)
            self._entries.clear()
            self._by_tag.clear()
            self.size = 0
            return dropped
        keys: set[Key] = set()
        for tag in change.tags:
            keys |= self._by_tag.get(tag, set())
        if change.days is not None:
            # A build is rare, so days have no index: 60,000 entries take some 10 ms.
            days = change.days
            keys |= {key for key, e in self._entries.items() if e.basis.covers_any_of(days)}
        for key in keys:
            self._remove(key)
        return len(keys)

    def _remove(self, key: Key) -> None:
        entry = self._entries.pop(key)
        self.size -= entry.size
        for tag in entry.basis.tags:
            keys = self._by_tag[tag]
            keys.discard(key)
            if not keys:
                del self._by_tag[tag]
