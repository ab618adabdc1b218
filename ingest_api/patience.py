"""How long to wait for the database before events go to the spool."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")

_left: set["asyncio.Task[Any]"] = set()


async def within(seconds: float, work: Coroutine[Any, Any, Answer]) -> Answer:
    """What `work` answers. Raises TimeoutError after `seconds`.

    Unlike a cancellation, which psycopg passes on to the server and waits for, this returns also
    when the server does not answer at all; `work` is left to end by itself.
    """
    task = asyncio.create_task(work)
    _left.add(task)
    task.add_done_callback(_ended)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if done:
        return task.result()
    raise TimeoutError(f"the database did not answer within {seconds:g} s")


def _ended(task: "asyncio.Task[Any]") -> None:
    _left.discard(task)
    if not task.cancelled():
        task.exception()  # looked at, so that asyncio does not complain of it: nobody waits for it
