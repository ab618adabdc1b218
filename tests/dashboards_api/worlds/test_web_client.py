"""The TypeScript client: generated from this very API, built, and run against it."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from eventmill.core.days import utc_today
from eventmill.core.tokens import issue
from tests.dashboards_api.worlds.tenants import ADMIN, AGES, BUILT, LARGE, SMALL
from tools import node, web, web_client

ASSET = SMALL.assets[1]
VIEWS_A_DAY = 2


@pytest.fixture(scope="module")
def package(processes: None, home: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, generated and built as `make client` does it."""
    folder = web.copy("client", tmp_path_factory.mktemp("web"))
    web_client.generate(folder)
    web.run(folder, "build")
    return folder


def test_the_committed_types_are_those_of_this_api(package: Path) -> None:
    committed = (web_client.PACKAGE / web_client.GENERATED).read_text()
    assert (package / web_client.GENERATED).read_text() == committed, "run `make client`, commit"


def test_the_clients_own_tests_pass_and_are_sound(package: Path, url: str) -> None:
    web.run(package, "check")
    said = web.run(
        package,
        "test",
        DASHBOARDS_URL=url,
        ASSET=ASSET,
        VIEWS=str(VIEWS_A_DAY * len(AGES)),
        BUILT_DAY=str(utc_today() - timedelta(days=BUILT[0])),
        CREATORS_TOKEN=issue(SMALL.creator),
        STRANGERS_TOKEN=issue(LARGE.creator),
        ADMINS_TOKEN=issue(ADMIN),
    )
    assert int(re.findall(r"pass (\d+)", said)[-1]) >= 14, said


def test_the_examples_of_its_readme_run(package: Path, url: str) -> None:
    """All of them, as somebody writes them into one file that has a `session`."""
    blocks = re.findall(r"^```ts\n(.*?)^```", (package / "README.md").read_text(), re.S | re.M)
    assert len(blocks) >= 5
    script = "\n".join(["const session = { token: process.env.TOKEN ?? '' };", *blocks])
    script = script.replace("http://127.0.0.1:8001", url).replace("sunrise-01", ASSET)
    (package / "test" / "readme.ts").write_text(script)
    web.run(package, "check")
    done = node.run("test/readme.ts", cwd=package, TOKEN=issue(ADMIN))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "422 end: is missing" in done.stdout
    assert done.stdout.endswith("Not found\n")
