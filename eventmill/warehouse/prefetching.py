"""Makes the next item in a thread while the caller works on one."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

Item = TypeVar("Item")


def prefetched(items: Generator[Item]) -> Generator[Item]:
    """The items; while the caller has one, another thread makes the next.

    What `items` raises is raised here. Closing it waits for that thread and closes `items`.
    """
    with closing(items), ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
