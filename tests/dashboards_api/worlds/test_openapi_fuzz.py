"""The API held to its own description, and to each caller's own rows, by generated requests.

The suite sends a few requests of each operation; `make fuzz` at least 5,000 (FUZZ_CASES).
"""

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seed_of
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from eventmill.core.tokens import Caller, issue
from tests.dashboards_api.worlds.tenants import ADMIN, SMALL, WORLDS, World, other_than

CASES = int(os.environ.get("FUZZ_CASES", "300"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
MODES = (GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
NAMES = [name for world in WORLDS for name in world.names]
# Who calls, and in whose world they live: an admin sees both, and nobody without a token sees any.
CALLERS: list[tuple[str, Caller | None, World | None]] = [
    ("admin", ADMIN, None),
    ("nobody", None, None),
    *((f"creator of {world.word}", world.creator, world) for world in WORLDS),
    *((f"brand of {world.word}", world.brand, world) for world in WORLDS),
]
LIMITS = settings(
    deadline=None,
    database=None,
    derandomize=False,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
ROUNDS = 100
# Nobody guesses a signature.
SIGNED = {"GET /v1/exports/{export_id}/download"}
# Operations that take no input and are the same for everybody.
PLAIN_SHARE = 0.1


Known = dict[str, list[str]]


@pytest.fixture(scope="module")
def known(url: str) -> Known:
    """What there is to ask for, by the name of the parameter or field that takes it."""
    schema = _made(url, "GET", "/v1/query/schema", ADMIN)
    metrics = [m["name"] for dataset in schema["datasets"] for m in dataset["metrics"]]
    dimensions = [d["name"] for dataset in schema["datasets"] for d in dataset["dimensions"]]
    reports = [
        _made(
            url, "POST", "/v1/reports", caller,
            {"name": f"report {number} of {world.word}", "query": {"metrics": ["views"]}},
        )["id"]
        for world in WORLDS
        for caller in (world.creator, world.brand)
        # Some of them are deleted on the way.
        for number in range(20)
    ]  # fmt: skip
    export = _made(url, "POST", "/v1/exports", ADMIN, {"format": "csv", "period": "7d"})
    erasure = _made(url, "DELETE", "/v1/subjects/nobody-of-these", ADMIN)
    return {
        "metrics": metrics,
        "dimensions": dimensions,
        "field": dimensions,
        "order_by": [*metrics, *(f"-{name}" for name in metrics), *dimensions],
        "attribution_model": schema["attribution_models"]["names"],
        "type": ["ip_asset", "project", "license"],
        "asset_id": [asset for world in WORLDS for asset in world.assets],
        "creator_id": [world.creator.sub for world in WORLDS],
        "brand_id": [str(world.brand.brand_id) for world in WORLDS],
        "report_id": reports,
        "export_id": [export["export_id"]],
        "erasure_id": [erasure["erasure_id"]],
        # Whoever is erased is none of those whose rows are looked for below.
        "subject_id": [f"nobody-{number}" for number in range(9)],
    }


def _made(url: str, method: str, path: str, caller: Caller, body: object = None) -> Any:
    headers = {"Authorization": f"Bearer {issue(caller)}"}
    answer = requests.request(method, f"{url}{path}", json=body, headers=headers, timeout=60)
    assert answer.ok, answer.text
    return answer.json()


def test_every_answer_is_described_and_the_callers_own(url: str, known: Known) -> None:
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    tokens = {name: issue(caller) for name, caller, _ in CALLERS if caller is not None}
    weights = {
        op.label: 1 if op.definition.raw.get("security") else PLAIN_SHARE for op in operations
    }
    share = CASES / sum(weights.values())
    session = requests.Session()
    answered: Counter[tuple[str, str, int]] = Counter()

    for operation in operations:
        strategy = st.one_of(*(operation.as_strategy(generation_mode=m) for m in MODES))
        wanted = answered.total() + max(2, round(share * weights[operation.label]))

        def check(
            case: Case, who: tuple[str, Caller | None, World | None], dice: random.Random
        ) -> None:
            name, caller, world = who
            plant(case, known, dice)
            headers = {} if caller is None else {"Authorization": f"Bearer {tokens[name]}"}
            response = case.call(base_url=url, session=session, headers=headers)
            answered[case.operation.label, name, response.status_code] += 1
            case.validate_response(response, checks=CHECKS, headers=headers)
            request = sent(response.request)
            if caller is None and is_guarded(case):
                assert response.status_code >= 400, request
            if world is not None:
                assert_own(other_than(world), case, request, response.status_code, response.text)

        # One round ends early where few different requests can be made, or many must be dropped.
        for number in range(ROUNDS):
            if answered.total() < wanted:
                generated = given(
                    case=strategy,
                    who=st.sampled_from(CALLERS),
                    dice=st.randoms(use_true_random=False),
                )
                seed_of(number)(
                    settings(LIMITS, max_examples=wanted - answered.total())(generated(check))
                )()

    report(answered)
    assert answered.total() >= CASES * 0.9, answered
    reached = {label for label, _, status in answered if status < 300}
    assert {operation.label for operation in operations} - reached <= SIGNED or CASES < 5_000


def plant(case: Case, known: Known, dice: random.Random) -> None:
    """Put what there is where the case has made-up names, most of the time."""
    if case.method == "GET":
        known = {**known, "subject_id": [world.visitor for world in WORLDS]}
    case.path_parameters = {
        name: dice.choice(known.get(name, NAMES)) if dice.random() < 0.8 else value
        for name, value in case.path_parameters.items()
    }
    if dice.random() < 0.3:
        case.query = {}
    if isinstance(case.body, dict | list):
        case.body = planted(case.body, "", known, dice)


def planted(value: Any, place: str, known: Known, dice: random.Random) -> Any:
    """`value`, which stands at the field `place` of a body."""
    if isinstance(value, dict):
        return {key: planted(inner, key, known, dice) for key, inner in value.items()}
    if isinstance(value, list):
        return [planted(inner, place, known, dice) for inner in value]
    if not isinstance(value, str):
        return value
    likely = 0.9 if place in known else 0.2
    return dice.choice(known.get(place, NAMES)) if dice.random() < likely else value


def is_guarded(case: Case) -> bool:
    return bool(case.operation.definition.raw.get("security"))


def sent(request: requests.PreparedRequest) -> str:
    """All that a request says, as a person reads it."""
    body = request.body or b""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
    return f"{request.method} {unquote_plus(str(request.url))} {text}"


def assert_own(other: World, case: Case, request: str, status: int, text: str) -> None:
    """Nothing of the `other` world is in an answer, whatever was asked."""
    is_good = status < 300
    asked_for = " ".join(str(value) for value in case.path_parameters.values())
    assert not (is_good and other.word in asked_for), request
    if other.word in text:
        # A refusal may repeat what is wrong in the request; it tells nothing that was not said.
        assert other.word in request, (request, text)
        assert not is_good or without_echo(text, case).count(other.word) == 0, (request, text)
    if is_good and other.revenue_cents > SMALL.revenue_cents:
        large = [number for number in numbers(loaded(text)) if number >= other.revenue_cents]
        assert not large, (request, text)


def without_echo(text: str, case: Case) -> str:
    """An answer without the parts that repeat the caller's own words."""
    body = loaded(text)
    if isinstance(body, dict) and isinstance(case.body, dict):
        body = {name: value for name, value in body.items() if value != case.body.get(name)}
    return json.dumps(body, ensure_ascii=False)


def loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from numbers(inner)
    elif isinstance(value, int | float):
        yield value


def report(answered: Counter[tuple[str, str, int]]) -> None:
    print(f"{answered.total():,} requests")
    for label in sorted({label for label, _, _ in answered}):
        found: Counter[int] = Counter()
        for (operation, _, status), count in answered.items():
            found[status] += count if operation == label else 0
        print(f"  {label}: {dict(sorted((+found).items()))}")
