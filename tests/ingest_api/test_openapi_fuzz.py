"""The service held to its own description: generated requests, and what it may answer to them.

The suite runs a few cases of each operation; `make fuzz` runs at least 5,000 (FUZZ_CASES).
"""

import os
import random
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.ingest_api.support import new_key, served, with_key
from tests.support import environment

CASES = int(os.environ.get("FUZZ_CASES", "150"))
# Where bodies are read, nearly all of the cases go; the others take no input.
WEIGHTS = {"post": 20, "get": 1}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPT_OUTS: list[dict[str, str]] = [{}, {}, {}, {"DNT": "1"}, {"Sec-GPC": "1"}]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


@pytest.fixture(scope="module")
def service(module_database: str) -> Iterator[httpx.Client]:
    limits = {"EVENTMILL_EVENTS_PER_MINUTE": "1000000", "EVENTMILL_RETENTION_DAYS": "0"}
    with environment(**limits), served() as client:
        yield client


def test_every_answer_is_in_the_description(service: httpx.Client) -> None:
    """No 5xx; status, content type, headers and body as described; with any key or none."""
    schema = schemathesis.openapi.from_url(f"{service.base_url}/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    senders = [
        with_key(new_key("secret")),
        with_key(new_key("publishable")),
        with_key("emk_no"),
        {},
    ]
    share = CASES / sum(WEIGHTS[operation.method] for operation in operations)
    answered: Counter[int] = Counter()
    session = requests.Session()

    for operation in operations:
        strategy = st.one_of(*(operation.as_strategy(generation_mode=m) for m in MODES))

        @given(
            case=strategy,
            # Most cases with a key that may send everything: the others end early.
            sender=st.sampled_from([*senders[:1] * 5, *senders]),
            opt_out=st.sampled_from(OPT_OUTS),
        )
        @settings(
            max_examples=max(2, round(share * WEIGHTS[operation.method])),
            deadline=None,
            derandomize=CASES < 5_000,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        def check(case: Case, sender: dict[str, str], opt_out: dict[str, str]) -> None:
            response = case.call(
                base_url=str(service.base_url), session=session, headers={**sender, **opt_out}
            )
            answered[response.status_code] += 1
            case.validate_response(response, checks=CHECKS)
            assert response.headers["x-request-id"]

        check()
    print(f"{answered.total():,} requests: {dict(sorted(answered.items()))}")
    assert answered.total() >= CASES * 0.9, answered
    assert answered[200], answered


def test_any_bytes_get_an_answer_below_500(service: httpx.Client) -> None:
    """What no generator of JSON makes: broken text, odd numbers, deep nesting, cut compression."""
    dice = random.Random(3)
    seeds = [
        b'{"event_type": "page_viewed", "props": {"a": 1e999, "b": "\\ud800"}}',
        b'{"events": [{"event_type": "asset_viewed", "context": {"page_url": "https://a/?token=1"}}]}',
        b'{"batch": [{"type": "track", "event": "Asset Viewed", "userId": "u"}], "sentAt": "x"}',
        b'{"type": "identify", "userId": "u", "anonymousId": "a", "traits": {}}',
        b"[" * 5_000,
        b'{"a":' * 5_000,
        b"\x1f\x8b\x08\x00garbage",
    ]
    paths = ["/v1/events", "/v1/batch", "/v1/track", "/v1/identify", "/v1/alias", "/v1/p"]
    encodings = ["identity", "gzip", "deflate", "br", ""]
    for _ in range(max(60, CASES // 10)):
        body = bytearray(dice.choice(seeds))
        for _ in range(dice.randrange(4)):
            place = dice.randrange(len(body))
            body[place : place + dice.randrange(3)] = dice.randbytes(dice.randrange(3))
            body = body or bytearray(b"{")
        headers = {"Content-Encoding": dice.choice(encodings), "User-Agent": "\xff\xfe"}
        answer = service.post(
            dice.choice(paths),
            content=bytes(body),
            headers={k: v.encode("latin-1") for k, v in headers.items()},
        )
        assert answer.status_code < 500, (answer.status_code, bytes(body)[:200], headers)
