"""Who may see an answer is decided before it, and remembered like one."""

import pytest

from dashboards_api.cache_store import Change
from eventmill.core.errors import NotFound
from eventmill.core.tokens import Caller
from tests.dashboards_api.cached import (
    ANA,
    new_cache,
    scenario,
)


@scenario
async def test_a_decision_is_kept_until_something_of_it_changes() -> None:
    cache = new_cache()
    asked = 0

    async def check() -> None:
        nonlocal asked
        asked += 1

    async def allow(caller: Caller, asset: str) -> None:
        await cache.allow(caller, ("asset", asset), tags=(f"asset:{asset}",), check=check)

    for _ in range(3):
        await allow(ANA, "a")
    assert asked == 1
    for number, (caller, asset) in enumerate(
        [(Caller("ben", "creator"), "a"), (Caller("u", "brand", "ana"), "a"), (ANA, "b")], start=2
    ):
        await allow(caller, asset)
        assert asked == number, "another caller, or another asset"
    for tag in ("asset:a", "creator:ana"):
        cache.change(Change(tags=frozenset({tag})), "tags")
        before = asked
        await allow(ANA, "a")
        assert asked == before + 1


@scenario
async def test_a_refusal_is_not_kept() -> None:
    cache = new_cache()
    answers = iter([NotFound("no"), None])

    async def check() -> None:
        if error := next(answers):
            raise error

    with pytest.raises(NotFound):
        await cache.allow(ANA, ("asset", "a"), tags=(), check=check)
    await cache.allow(ANA, ("asset", "a"), tags=(), check=check)
    await cache.allow(ANA, ("asset", "a"), tags=(), check=check)
