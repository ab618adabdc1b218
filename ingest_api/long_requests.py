"""Work that may take long, beside the event loop.

A thousand events, or one of a megabyte, take longer to read than others may wait. They are read in
a thread, which Python stops every 5 ms for the event loop. It is one thread, so that long requests
wait for each other and short ones for none (docs/decisions/0037-linear-time-over-senders-text.md).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

# What is less takes 25 ms at most, whatever it says; 100 usual events have 30 to 60 KB.
LONG_BYTES = 64 * 1024
LONG_EVENTS = 100

T = TypeVar("T")
_thread = ThreadPoolExecutor(1, "long-requests")


def is_long(size: int, events: int) -> bool:
    """Whether a request's body of so many bytes and events is one to be read beside the loop."""
    return size > LONG_BYTES or events > LONG_EVENTS


async def apart(is_long: bool, work: Callable[..., T], *arguments: object) -> T:
    """What `work` returns or raises; in the thread if it may take long."""
    if not is_long:
        return work(*arguments)
    return await asyncio.get_running_loop().run_in_executor(_thread, work, *arguments)
