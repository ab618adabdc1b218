"""Many clients of a dashboards API at once, in a process of their own: `python -m bench.load`.

Standard input is JSON: `port`, `seconds`, `think_seconds` (mean of the time between two questions
of a client) and `clients`, each a list of requests as text. Standard output is JSON: milliseconds
of each answer, how many came from the cache, and what went wrong. Raw streams on uvloop: a client
library would take longer than the server.
"""

import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import uvloop

CACHED = b'"cached":true'


@dataclass
class Seen:
    milliseconds: list[float] = field(default_factory=list)
    cached: int = 0
    not_modified: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    def fail(self, what: str) -> None:
        self.errors[what] = self.errors.get(what, 0) + 1


async def _client(port: int, requests: list[str], end: float, think: float, seen: Seen) -> None:
    dice = random.Random(str(requests))
    known: dict[str, str] = {}
    # Not all at the same moment.
    await asyncio.sleep(dice.random() * think)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while time.perf_counter() < end:
            # The server closes a connection that was idle for long, and a browser opens another.
            if reader.at_eof():
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            request = dice.choice(requests)
            condition = f"If-None-Match: {known[request]}\r\n" if request in known else ""
            started = time.perf_counter()
            writer.write(request.replace("\r\n\r\n", f"\r\n{condition}\r\n", 1).encode())
            status, head, body = await _answer(reader)
            seen.milliseconds.append((time.perf_counter() - started) * 1000)
            if status == 304:
                seen.not_modified += 1
            elif status == 200:
                seen.cached += CACHED in body
            else:
                seen.fail(str(status))
            if (etag := head.get("etag")) and request.startswith("GET"):
                known[request] = etag
            await asyncio.sleep(dice.expovariate(1 / think))
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines) if n}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return int(first.split()[1]), headers, body


async def _run(asked: dict[str, Any]) -> dict[str, Any]:
    seen = Seen()
    end = time.perf_counter() + asked["seconds"]

    async def one(requests: list[str]) -> None:
        try:
            await _client(asked["port"], requests, end, asked["think_seconds"], seen)
        except (OSError, asyncio.IncompleteReadError) as error:
            seen.fail(type(error).__name__)

    await asyncio.gather(*(one(requests) for requests in asked["clients"]))
    return {
        "milliseconds": seen.milliseconds,
        "cached": seen.cached,
        "not_modified": seen.not_modified,
        "errors": seen.errors,
        "cpu_seconds": time.process_time(),
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_run(json.load(sys.stdin)))))
