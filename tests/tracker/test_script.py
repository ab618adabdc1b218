"""em.js: up to date, small, and served so that browsers keep it."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ingest_api.routes.tracker import script
from tests.ingest_api.support import served
from tools import web, web_tracker

KB = 1024


@pytest.fixture(scope="module")
def package(processes: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, generated and built as `make tracker` does it."""
    folder = web.copy("tracker", tmp_path_factory.mktemp("web"))
    web_tracker.generate(folder)
    web.run(folder, "build")
    return folder


def test_what_is_committed_is_what_the_sources_make(package: Path) -> None:
    committed = (web_tracker.PACKAGE / web_tracker.GENERATED).read_text()
    advice = "run `make tracker`, commit"
    assert (package / web_tracker.GENERATED).read_text() == committed, advice
    for name in web_tracker.SCRIPTS:
        built = (package / "dist" / name).read_bytes()
        assert (web_tracker.SERVED / name).read_bytes() == built, advice


@pytest.mark.parametrize(("name", "most"), [("em.core", 3 * KB), ("em", 5 * KB)])
def test_nobody_notices_its_size(name: str, most: int) -> None:
    assert len(script(name).packed) <= most


def test_its_own_tests_pass_and_its_types_hold(package: Path) -> None:
    web.run(package, "check")
    said = web.run(package, "test", NO_COLOR="1")
    assert int(re.findall(r"Tests\s+(\d+) passed", said)[-1]) >= 20, said


@pytest.fixture(scope="module")
def api(module_database: str) -> Iterator[httpx.Client]:
    with served(None) as client:
        yield client


def test_a_script_tag_gets_it_at_once_and_asks_again_after_minutes(api: httpx.Client) -> None:
    for name in ("em", "em.core"):
        answer = api.get(f"/{name}.js", headers={"Origin": "https://shop.example"})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["cache-control"] == "public, max-age=300"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert "Accept-Encoding" in answer.headers["vary"]
        assert answer.content == script(name).plain
        tag = answer.headers["etag"]
        again = api.get(f"/{name}.js", headers={"If-None-Match": f"W/{tag}"})
        assert (again.status_code, again.content) == (304, b"")
        plain = api.get(f"/{name}.js", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.content == answer.content


def test_a_version_is_kept_for_a_year(api: httpx.Client) -> None:
    for name in ("em", "em.core"):
        version = api.get(f"/{name}.js").headers["content-location"]
        assert re.fullmatch(rf"{re.escape(name)}\.[0-9a-f]{{16}}\.js", version)
        answer = api.get(f"/{version}")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.content == gzip.decompress(script(name).packed)
        old = api.get(f"/{name}.0123456789abcdef.js")
        assert (old.status_code, old.headers["location"]) == (307, f"{name}.js")
        assert "immutable" not in old.headers["cache-control"]


def test_the_example_is_there_only_where_it_is_asked_for(api: httpx.Client) -> None:
    assert api.get("/example").status_code == 404
    assert api.get("/example/events", params={"anonymous_id": "x"}).status_code == 404
