"""Bodies that were made to take long: nobody else waits for them."""

import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.ingest_api.support import NOON, new_key, with_key

MANY = 1_000
ONE_MB = 1_000_000
LIST = 70_000
TEXT = {"event_type": "page_viewed", "anonymous_id": "r", "occurred_at": NOON}


def _events(*events: object) -> bytes:
    return json.dumps({"events": list(events)}).encode()


def _text(piece: str, size: int = ONE_MB) -> str:
    return piece * (size // len(json.dumps(piece)))


def _rejected(piece: str, size: int = ONE_MB) -> bytes:
    return _events({"event_type": "nope", "anonymous_id": "r", "props": {"x": "x" + _text(piece)}})


BODIES: dict[str, Callable[[], bytes]] = {
    "marks": lambda: _rejected("?"),
    "percent": lambda: _rejected("%25"),
    "addresses": lambda: _rejected("?q=a@b.cc,"),
    "parameters": lambda: _rejected("&a1=2"),
    "passwords": lambda: _rejected("&token=2"),
    "one URL": lambda: _events({**TEXT, "context": {"page_url": "/?" + _text("utm_term=a@b.cc&")}}),
    "unknown fields": lambda: _events(
        *(
            {**TEXT, "anonymous_id": f"r{n}", **{f"actr_idd{n}{m}": 1 for m in range(20)}}
            for n in range(MANY)
        )
    ),
    "unknown types": lambda: _events(
        *({"event_type": f"asset_vewied{n}", "anonymous_id": f"r{n}"} for n in range(MANY))
    ),
    "no fields": lambda: _events(*({"anonymous_id": f"r{n}"} for n in range(MANY))),
    "values": lambda: _events({**TEXT, "props": {"x": [0] * 330_000}}),
    "values with NUL": lambda: _events({**TEXT, "props": {"x": [0] * 300_000, "y": "\0"}}),
    "numbers": lambda: b'{"events":[{"props":[NaN' + b",1" * 450_000 + b"]}]}",
    "names": lambda: _events({"event_type": "nope", "props": {f"n{n}": "" for n in range(70_000)}}),
    "nested": lambda: b'{"events":[' + b'{"a":' * 160_000,
    "text in lists": lambda: _events(
        {"event_type": "nope", "props": {"x": ["?a=b@c.dd"] * 70_000}}
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_nobody_waits_for_a_long_body(shared_api: httpx.Client, name: str) -> None:
    """The limit is generous: the machine may be busy. `pytest -s` prints what it was."""
    body = BODIES[name]()
    assert len(body) <= 1024 * 1024
    waits, seconds = waits_during(shared_api, body)
    print(f"{name}: {seconds:.2f} s, /healthz {statistics.median(waits):.3f}, {max(waits):.3f} s")
    assert max(waits) < 5
    assert seconds < 60


def waits_during(api: httpx.Client, body: bytes) -> tuple[list[float], float]:
    """How long each /healthz took while the service had this body, and the body itself."""
    url, headers = api.base_url.join("/v1/events"), with_key(new_key("publishable"))
    begun = time.monotonic()
    with ThreadPoolExecutor(1) as other:
        sending = other.submit(httpx.post, url, content=body, headers=headers, timeout=60)
        waits = []
        while not sending.done():
            started = time.monotonic()
            api.get("/healthz").raise_for_status()
            waits.append(time.monotonic() - started)
            time.sleep(0.02)
    answer = sending.result()
    assert answer.status_code in (200, 400, 403, 422, 429), answer.text
    return waits, time.monotonic() - begun
