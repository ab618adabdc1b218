"""What the cache of finished answers keeps, shares and forgets, without any database."""

import asyncio
import json
import logging
from datetime import timedelta

import pytest
from fastapi import Response
from prometheus_client import CollectorRegistry

from dashboards_api import cache as module
from dashboards_api.cache import Cache
from dashboards_api.cache_store import EVERYTHING, OVERHEAD, Change, Store
from dashboards_api.invalidation import tell
from eventmill.core.days import DayWindow, utc_today
from eventmill.core.errors import Unavailable
from tests.dashboards_api.cached import (
    JUNE,
    MAY,
    Numbers,
    Source,
    ask,
    is_cached,
    new_cache,
    scenario,
)


@scenario
async def test_the_second_answer_is_the_first_and_says_so() -> None:
    cache, source = new_cache(), Source()
    first, second = await ask(cache, source), await ask(cache, source)
    assert (is_cached(first), is_cached(second), source.asked) == (False, True, 1)
    told_apart = json.loads(bytes(first.body)) | {"meta": None}
    assert told_apart == json.loads(bytes(second.body)) | {"meta": None}
    assert first.headers["etag"] == second.headers["etag"]
    assert second.headers["cache-control"] == "private, no-cache"
    assert not is_cached(await ask(cache, source, "another question"))


@scenario
async def test_an_answer_that_the_caller_has_is_not_sent_again() -> None:
    cache, source = new_cache(), Source()
    etag = (await ask(cache, source)).headers["etag"]
    for known in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        response = await ask(cache, source, if_none_match=known)
        assert (response.status_code, response.body) == (304, b"")
        assert response.headers["etag"] == etag
        assert response.headers["cache-control"] == "private, no-cache"
    assert (await ask(cache, source, if_none_match='"other"')).status_code == 200
    source.text = "1"
    cache.change(EVERYTHING, "everything")
    assert (await ask(cache, source, if_none_match=etag)).status_code == 200


@scenario
async def test_simultaneous_misses_are_one_computation() -> None:
    cache, source = new_cache(), Source()
    source.gate.clear()
    waiting = [asyncio.ensure_future(ask(cache, source)) for _ in range(20)]
    await asyncio.sleep(0)
    waiting[0].cancel()  # the one that began it
    waiting[7].cancel()
    await asyncio.sleep(0)
    source.gate.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [n for n, a in enumerate(answers) if isinstance(a, asyncio.CancelledError)] == [0, 7]
    assert source.asked == 1
    assert all(not is_cached(a) for a in answers if isinstance(a, Response))
    assert is_cached(await ask(cache, source))


@scenario
async def test_what_nobody_waits_for_any_more_is_still_kept() -> None:
    cache, source = new_cache(), Source()
    source.gate.clear()
    only = asyncio.ensure_future(ask(cache, source))
    await asyncio.sleep(0)
    only.cancel()
    [(_, flight)] = cache._flights.items()
    source.gate.set()
    await flight.task
    assert is_cached(await ask(cache, source))


@scenario
async def test_an_error_is_everybodys_and_is_not_kept() -> None:
    cache, source = new_cache(), Source()

    async def fails() -> Numbers:
        await source.gate.wait()
        raise Unavailable("away")

    waiting = [asyncio.ensure_future(ask(cache, fails)) for _ in range(3)]
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert not is_cached(await ask(cache, source))


@pytest.mark.parametrize(
    ("change", "stays"),
    [
        (Change(tags=frozenset({"asset:b"})), True),
        (Change(tags=frozenset({"asset:b", "asset:a"})), False),
        (Change(days=JUNE), True),
        (Change(days=DayWindow(MAY.last, JUNE.last)), False),
        (EVERYTHING, False),
    ],
)
def test_a_change_drops_what_stands_on_it(change: Change, stays: bool) -> None:
    async def run() -> None:
        cache, source = new_cache(), Source()
        await ask(cache, source)
        cache.change(change, "test")
        assert is_cached(await ask(cache, source)) == stays
        await ask(cache, source, "any day", days=None)
        cache.change(Change(days=JUNE), "test")
        assert not is_cached(await ask(cache, source, "any day", days=None))

    asyncio.run(run())


@scenario
async def test_an_answer_that_a_change_overtook_is_not_kept_and_not_shared() -> None:
    cache, old, new = new_cache(), Source("old"), Source("new")
    old.gate.clear()
    overtaken = asyncio.ensure_future(ask(cache, old))
    await asyncio.sleep(0)
    cache.change(Change(tags=frozenset({"asset:a"})), "tags")
    fresh = await ask(cache, new)
    assert json.loads(bytes(fresh.body))["text"] == "new"
    old.gate.set()
    assert json.loads(bytes((await overtaken).body))["text"] == "old"
    after = await ask(cache, new)
    assert is_cached(after)
    assert json.loads(bytes(after.body))["text"] == "new"


@scenario
async def test_a_change_of_something_else_leaves_a_computation_alone() -> None:
    cache, source = new_cache(), Source()
    source.gate.clear()
    first = asyncio.ensure_future(ask(cache, source))
    await asyncio.sleep(0)
    cache.change(Change(tags=frozenset({"asset:b"}), days=JUNE), "tags")
    source.gate.set()
    await first
    assert is_cached(await ask(cache, source))


@scenario
async def test_nothing_is_kept_while_nobody_listens() -> None:
    cache, source = new_cache(listening=False), Source()
    for _ in range(2):
        assert not is_cached(await ask(cache, source))
    source.gate.clear()
    begun_before = asyncio.ensure_future(ask(cache, source))
    await asyncio.sleep(0)
    cache.begin("d")
    source.gate.set()
    await begun_before
    assert not is_cached(await ask(cache, source)), "a change before may have been missed"
    assert is_cached(await ask(cache, source))
    cache.end()
    assert not is_cached(await ask(cache, source))
    cache.begin("d")
    assert not is_cached(await ask(cache, source))


@scenario
async def test_other_definitions_are_another_answer() -> None:
    cache, source = new_cache(), Source()
    await ask(cache, source)
    tell(cache, '{"definition": "d"}')
    assert is_cached(await ask(cache, source))
    tell(cache, '{"definition": "e"}')
    assert not is_cached(await ask(cache, source))


@pytest.mark.parametrize(
    "payload",
    ["", "x", "[]", "{}", "null", '{"days": ["2015-01-01"]}', '{"days": [1, 2]}',
     '{"days": ["2015-02-01", "2015-01-01"]}', '{"tags": 7}',
     '{"everything": true, "tags": ["x"]}', '{"new": "kind"}'],
)  # fmt: skip
def test_a_message_that_cannot_be_read_means_everything(payload: str) -> None:
    async def run() -> None:
        cache, source = new_cache(), Source()
        await ask(cache, source)
        tell(cache, payload)
        assert not is_cached(await ask(cache, source))

    asyncio.run(run())


def test_answers_end_with_their_time_and_with_the_utc_day(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        cache, source = new_cache(), Source()
        assert not is_cached(await ask(cache, source, ttl=0))
        assert not is_cached(await ask(cache, source))
        assert is_cached(await ask(cache, source))
        tomorrow = utc_today() + timedelta(days=1)
        monkeypatch.setattr(module, "utc_today", lambda: tomorrow)
        assert not is_cached(await ask(cache, source))

    asyncio.run(run())


@scenario
async def test_memory_is_bounded_and_what_is_used_stays() -> None:
    source = Source("x" * 1000)
    cache = new_cache(5 * (OVERHEAD + 1200))
    for number in range(4):
        await ask(cache, source, str(number))
    for number in range(50):
        assert is_cached(await ask(cache, source, "0"))
        await ask(cache, source, f"passing {number}")
    assert is_cached(await ask(cache, source, "passing 49"))
    assert not is_cached(await ask(cache, source, "1"))
    huge = Source("x" * 20_000)
    for _ in range(2):
        assert not is_cached(await ask(cache, huge, "huge"))
    assert is_cached(await ask(cache, source, "1")), "it did not push the others out"


def test_a_store_counts_its_bytes_and_leaves_no_tag_behind() -> None:
    store = Store(10_000)
    for number in range(100):
        finished = module.Finished(b"", b"x" * (number % 7 * 100), "")
        basis = module.Basis(frozenset({f"asset:{number % 9}", "platform"}), MAY)
        store.put((number % 11,), finished, basis, 60)
        sizes = [entry.size for entry in store._entries.values()]
        assert sum(sizes) == store.size <= 10_000
    assert store.drop(Change(tags=frozenset({"platform"}))) > 0
    assert (len(store), store.size, dict(store._by_tag)) == (0, 0, {})


@pytest.mark.parametrize("broken", ["get", "put", "drop"])
def test_a_failure_of_the_cache_is_a_miss(
    broken: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    async def run() -> None:
        registry = CollectorRegistry()
        cache, source = Cache(2**20, registry), Source("old")
        cache.begin("d")
        await ask(cache, source)
        monkeypatch.setattr(Store, broken, fail)
        source.text = "new"
        with caplog.at_level(logging.ERROR):
            cache.change(Change(tags=frozenset({"asset:a"})), "tags")
            response = await ask(cache, source)
        assert json.loads(bytes(response.body))["text"] == "new"
        assert not is_cached(response)
        assert "the cache failed" in caplog.text
        assert registry.get_sample_value("eventmill_dashboards_cache_failures_total") == 1

    asyncio.run(run())


@scenario
async def test_the_metrics_say_what_happened() -> None:
    registry = CollectorRegistry()
    cache, source = Cache(2**20, registry), Source()
    cache.begin("d")

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"eventmill_dashboards_cache_{name}", labels)

    for _ in range(3):
        await ask(cache, source)
    assert (value("misses_total", route="test"), value("hits_total", route="test")) == (1, 2)
    assert (value("entries"), value("listening")) == (1, 1)
    assert (value("bytes") or 0) > OVERHEAD
    tell(cache, '{"tags": ["asset:a"]}')
    assert (value("dropped_total"), value("invalidations_total", kind="tags")) == (1, 1)
    assert (value("entries"), value("bytes")) == (0, 0)
