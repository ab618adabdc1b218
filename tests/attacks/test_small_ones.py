"""What a request says of itself: Host, addresses, wishes; and tokens that are too good."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.types import Receive, Scope, Send

from dashboards_api.exports.routes import public_url
from eventmill.core.errors import ConfigurationError, Unauthorized
from eventmill.core.jwks import SigningKeys
from eventmill.core.settings import get_settings
from eventmill.core.tokens import Caller, issue, signing_secret, verify
from eventmill.http import proxies
from eventmill.http.proxies import Proxies
from eventmill.runner.services import services
from tests.ingest_api.support import event, new_key
from tests.support import environment


@pytest.mark.parametrize("name", ["DNT", "Sec-GPC"])
@pytest.mark.parametrize("values", [["1, 1"], ["1", "1"], ["0", "1"], ["0 , 1"]])
def test_a_wish_that_is_said_twice_is_a_wish(
    shared_api: httpx.Client, name: str, values: list[str]
) -> None:
    headers = [("X-Write-Key", new_key("publishable")), *((name, value) for value in values)]
    answer = shared_api.post("/v1/events", json=event(), headers=headers)
    assert answer.json()["dropped"] == 1


def _request(host: str, server: tuple[str, int] = ("10.0.0.5", 8001)) -> Any:
    headers = [(b"host", host.encode()), (b"x-forwarded-host", host.encode())]
    return SimpleNamespace(scope={"server": server, "scheme": "http", "headers": headers})


def test_a_link_does_not_follow_the_host_that_a_request_names() -> None:
    assert public_url(_request("evil.example")) == "http://10.0.0.5:8001"
    assert public_url(_request("evil.example", ("::1", 80))) == "http://[::1]:80"
    with environment(EVENTMILL_DASHBOARDS_URL="https://numbers.example"):
        assert public_url(_request("evil.example")) == "https://numbers.example"


def test_segment_s_library_sends_where_the_setting_says(shared_api: httpx.Client) -> None:
    key = new_key("publishable")
    with environment(EVENTMILL_INGEST_URL="https://events.example"):
        answer = shared_api.get(f"/v1/projects/{key}/settings", headers={"Host": "evil.example"})
    segment_io = answer.json()["integrations"]["Segment.io"]
    assert segment_io["apiHost"] == "events.example/v1"
    assert segment_io["protocol"] == "https"


FORGED = "198.51.100.9"
SEEN = [
    (1, [f"{FORGED}, 203.0.113.7"], "203.0.113.7"),
    (1, [FORGED, "203.0.113.7"], "203.0.113.7"),
    (1, [f"{FORGED}, 203.0.113.7:51234"], "203.0.113.7"),
    (1, [f"{FORGED}, [2001:db8::7]:51234"], "2001:db8::7"),
    (1, ["2001:db8::7"], "2001:db8::7"),
    (2, [f"{FORGED}, 203.0.113.7, 10.0.0.2"], "203.0.113.7"),
    (2, ["203.0.113.7"], "127.0.0.1"),  # it did not come through both
    (1, [], "127.0.0.1"),
]


@pytest.mark.parametrize(("count", "sent", "address"), SEEN)
def test_an_address_is_counted_from_the_right(count: int, sent: list[str], address: str) -> None:
    assert asyncio.run(_seen(count, sent)) == address


async def _seen(count: int, sent: list[str]) -> str:
    found: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope["client"][0])

    headers = [(b"x-forwarded-for", value.encode()) for value in sent]
    scope = {"type": "http", "headers": headers, "client": ("127.0.0.1", 5), "scheme": "http"}
    await Proxies(app, count)(scope, None, None)  # type: ignore[arg-type]
    return found[0]


def test_no_header_is_believed_by_default() -> None:
    assert proxies.middleware() == []
    dashboards = next(service for service in services() if service.name == "dashboards")
    assert "--no-proxy-headers" in dashboards.command
    with environment(EVENTMILL_TRUSTED_PROXIES="2"):
        assert [one.kwargs for one in proxies.middleware()] == [{"count": 2}]


def _token(**claims: Any) -> str:
    settings = get_settings()
    now = datetime.now(UTC)
    said = {
        "sub": "u", "role": "admin", "aud": settings.jwt_audience, "iss": settings.jwt_issuer,
        "iat": now, "exp": now + timedelta(hours=1), **claims,
    }  # fmt: skip
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, signing_secret(), algorithm="HS256")


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"exp": datetime.now(UTC) + timedelta(days=3650)},
        {"exp": datetime.now(UTC) + timedelta(days=3650), "iat": None},
        {"exp": "x"},
        {"exp": 1e400},
    ],
    ids=["none", "ten years", "ten years from whenever", "no time", "infinity"],
)
def test_a_token_that_is_good_for_ever_is_refused(claims: dict[str, Any]) -> None:
    assert verify(_token()).sub == "u"
    with pytest.raises(Unauthorized):
        verify(_token(**claims))


def test_no_token_is_issued_for_longer_than_is_taken() -> None:
    with environment(EVENTMILL_JWT_MAX_HOURS="2"):
        assert verify(issue(Caller("u", "admin"), timedelta(hours=2))).sub == "u"
        with pytest.raises(ConfigurationError, match="EVENTMILL_JWT_MAX_HOURS"):
            issue(Caller("u", "admin"), timedelta(hours=3))


@pytest.mark.parametrize("token", ["." * 9000, "W1tb" * 1500 + ".e30.x", "W1tb" * 3000])
def test_a_token_that_cannot_be_read_is_refused(token: str) -> None:
    with pytest.raises(Unauthorized):
        verify(token)


def test_a_short_rsa_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    found = SimpleNamespace(algorithm_name="RS256", key=key.public_key())
    keys = SigningKeys("http://127.0.0.1:1/keys")
    monkeypatch.setattr(keys, "get_signing_key_from_jwt", lambda _: found)
    with pytest.raises(Unauthorized, match="2,048"):
        keys.key_of("x")


def test_metrics_and_readiness_name_no_key(shared_api: httpx.Client) -> None:
    shared_api.post("/v1/events", json=event()).raise_for_status()
    for path in ("/metrics", "/readyz"):
        text = shared_api.get(path, headers={"X-Write-Key": ""}).text
        assert "key_" not in text.replace("key_seconds", "")
