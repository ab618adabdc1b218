"""Ids and parameters that look like SQL, patterns or paths are ids that nobody has."""

import re
from urllib.parse import quote

import psycopg
import pytest
from fastapi.testclient import TestClient
from httpx import Response

from tests.dashboards_api.matrix import CALLERS, Line, good_token, lines, world
from tests.support import scalar

ODD = (
    "' or '1'='1", "x' or 1=1 --", '"; drop table raw.events; --', "x/**/union/**/select/**/1",
    "%", "_", "%%", "%s", "{asset}", "\\", "\\'", "$$", "mask'", "mask%", "MASK", " mask", "mask ",
    "mask\x00", "null", "*", "../../mask", "\u202emask", "ｍａｓｋ", "ma\u0301sk", "😀", "a" * 5000,
)  # fmt: skip
BY_ID = [
    line
    for line in lines()
    if line.method == "GET" and line.statuses is not None and "{" in line.path
]
# Text of a query string, by route: the rest are dates and words of a fixed few.
TEXTS = {
    "/v1/entities/ip_asset/mask/events": ("event_type", "cursor"),
    "/v1/platform/metrics": ("interval", "period", "start", "compare"),
}


@pytest.fixture(scope="module")
def ids(events: psycopg.Connection) -> dict[str, str]:
    return world(events)


def get(client: TestClient, path: str, name: str, **parameters: str) -> Response:
    return client.get(path, params=parameters, headers={"Authorization": good_token(CALLERS[name])})


@pytest.mark.parametrize("line", BY_ID, ids=str)
def test_an_odd_id_is_an_unknown_one(
    client: TestClient, events: psycopg.Connection, ids: dict[str, str], line: Line
) -> None:
    before = scalar(events, "select count(*) from raw.events")

    def ask(name: str, identifier: str) -> Response:
        return get(client, re.sub(r"\{\w+\}", quote(identifier, safe=""), line.path), name)

    for name in CALLERS:
        unknown = ask(name, "unknown")
        for identifier in ODD:
            # An id that is a UUID holds no slash: that is another path, which does not exist.
            if "/" in identifier and re.search(r"/(reports|exports)/", line.path):
                continue
            answer = ask(name, identifier)
            if (
                answer.status_code == 422 != unknown.status_code
            ):  # what no id can be is told to those who may ask
                assert "\x00" in identifier or len(identifier) > 200, (name, identifier)
                continue
            assert answer.status_code == unknown.status_code, (name, identifier)
            if answer.status_code == 404:
                assert answer.content == unknown.content, (name, identifier)
    assert scalar(events, "select count(*) from raw.events") == before


@pytest.mark.parametrize("path", TEXTS)
def test_an_odd_parameter_is_named_or_finds_nothing(
    client: TestClient, ids: dict[str, str], path: str
) -> None:
    for parameter in TEXTS[path]:
        for value in ODD:
            answer = get(client, path, "admin", **{parameter: value})
            if answer.status_code == 200:
                assert answer.json()["events"] == [], (parameter, value)
            else:
                assert answer.status_code == 422, (parameter, value)
                assert [one["field"] for one in answer.json()["errors"]] == [parameter]
