"""Tokens whose keys are at a URL: RS256 and ES256, from a real HTTP server, and nothing else."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, RSAAlgorithm

from eventmill.core import jwks
from eventmill.core.errors import ConfigurationError, Unauthorized, Unavailable
from eventmill.core.tokens import Caller, authenticate, issue, verify
from tests.support import environment

pytestmark = pytest.mark.usefixtures("home")

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
SHARED = "s" * 48


class KeyServer(ThreadingHTTPServer):
    """Serves `keys`; `fetches` counts how often they were asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.keys: list[dict[str, Any]] = [
            {**RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True), "kid": "rsa", "use": "sig"},
            {**ECAlgorithm.to_jwk(EC.public_key(), as_dict=True), "kid": "ec", "alg": "ES256"},
            {**HMACAlgorithm.to_jwk(SHARED, as_dict=True), "kid": "shared"},
        ]
        self.is_broken = False
        self.fetches = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/jwks.json"


class Handler(BaseHTTPRequestHandler):
    server: KeyServer

    def do_GET(self) -> None:
        self.server.fetches += 1
        body = json.dumps({"keys": self.server.keys}).encode()
        self.send_response(503 if self.server.is_broken else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def key_server() -> Iterator[KeyServer]:
    server = KeyServer()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with environment(EVENTMILL_JWT_JWKS_URL=server.url):
            yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def token(key: Any, algorithm: str, kid: str | None, **changes: Any) -> str:
    claims = {
        "sub": "u-1",
        "role": "brand",
        "brand_id": "b-1",
        "aud": "eventmill",
        "iss": "eventmill",
        "exp": datetime.now(UTC) + timedelta(hours=1),
        **changes,
    }
    return jwt.encode(claims, key, algorithm, headers={"kid": kid} if kid else None)


@pytest.mark.parametrize(("key", "algorithm", "kid"), [(RSA, "RS256", "rsa"), (EC, "ES256", "ec")])
def test_good_tokens(key_server: KeyServer, key: Any, algorithm: str, kid: str) -> None:
    for _ in range(3):
        assert verify(token(key, algorithm, kid)) == Caller("u-1", "brand", "b-1")
    assert key_server.fetches == 1


async def _authenticated(sent: str) -> Caller:
    return await authenticate(sent)


def test_without_holding_up_the_event_loop(key_server: KeyServer) -> None:
    import asyncio

    assert asyncio.run(_authenticated(token(RSA, "RS256", "rsa"))).sub == "u-1"


PUBLIC = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def confused() -> str:
    """HS256 with the public key as the secret, which a careless verifier would take."""
    import base64
    import hashlib
    import hmac

    good = token(RSA, "RS256", "rsa")
    header = json.dumps({"alg": "HS256", "typ": "JWT", "kid": "rsa"}).encode()
    encoded = base64.urlsafe_b64encode(header).rstrip(b"=").decode()
    signed = f"{encoded}.{good.split('.')[1]}"
    digest = hmac.new(PUBLIC, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


WRONG = {
    "expired": lambda: token(
        RSA, "RS256", "rsa", exp=datetime.now(UTC) - timedelta(minutes=1)
    ),
    "another audience": lambda: token(RSA, "RS256", "rsa", aud="other"),
    "another issuer": lambda: token(RSA, "RS256", "rsa", iss="other"),
    "another key": lambda: token(OTHER, "RS256", "rsa"),
    "an unknown key id": lambda: token(RSA, "RS256", "none-such"),
    "no key id": lambda: token(RSA, "RS256", None),
    "the other key's id": lambda: token(EC, "ES256", "rsa"),
    "another algorithm": lambda: token(RSA, "RS512", "rsa"),
    "unsigned": lambda: token(None, "none", "rsa"),
    "HS256 with the public key": confused,
    "HS256 with a symmetric key of the set": lambda: token(SHARED, "HS256", "shared"),
    "nonsense": lambda: "a.b.c",
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_tokens(key_server: KeyServer, name: str) -> None:
    with pytest.raises(Unauthorized):
        verify(WRONG[name]())


def test_our_own_tokens_are_neither_made_nor_taken(key_server: KeyServer) -> None:
    with environment(EVENTMILL_JWT_JWKS_URL=None, EVENTMILL_JWT_SECRET=SHARED):
        ours = issue(Caller("u-1", "admin"))
        assert verify(ours) == Caller("u-1", "admin")
    with environment(EVENTMILL_JWT_SECRET=SHARED):
        with pytest.raises(Unauthorized):
            verify(ours)
        with pytest.raises(ConfigurationError, match="EVENTMILL_JWT_JWKS_URL"):
            issue(Caller("u-1", "admin"))


def test_a_new_key_is_fetched_and_unknown_ones_do_not_make_a_fetch_each(
    key_server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify(token(RSA, "RS256", "rsa"))
    for number in range(5):
        with pytest.raises(Unauthorized):
            verify(token(RSA, "RS256", f"unknown-{number}"))
    assert key_server.fetches == 1
    keys = jwks.signing_keys()
    assert keys is not None
    monkeypatch.setattr(keys, "cooldown_duration", 0)
    new = {**RSAAlgorithm.to_jwk(OTHER.public_key(), as_dict=True), "kid": "new"}
    key_server.keys.append(new)
    assert verify(token(OTHER, "RS256", "new")).sub == "u-1"
    assert key_server.fetches == 2


def test_the_last_keys_serve_while_the_url_does_not_answer(
    key_server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify(token(RSA, "RS256", "rsa"))
    key_server.is_broken = True
    keys = jwks.signing_keys()
    assert keys is not None
    monkeypatch.setattr(keys.jwk_set_cache, "is_expired", lambda: True)
    for _ in range(3):
        assert verify(token(RSA, "RS256", "rsa")).sub == "u-1"
    assert key_server.fetches == 2


def test_503_without_any_keys(key_server: KeyServer) -> None:
    key_server.is_broken = True
    for _ in range(3):
        with pytest.raises(Unavailable):
            verify(token(RSA, "RS256", "rsa"))
    assert key_server.fetches == 1
