"""Who may drive Dagster: the ASGI guard in front of its UI and its GraphQL.

The guard refuses what a page of another site can make a browser send. It does not replace a login:
`password` asks for one, of the user `ops`.
"""

import base64
import hmac
from collections.abc import Collection
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import Settings

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104
USER = "ops"
READY_PATH = "/server_info"
"""Answers without a login, for whoever watches the process; it says Dagster's versions only."""

# A frame of another site could have its visitor click in the UI without knowing.
NO_FRAMES = (
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
)
LOGIN = {"WWW-Authenticate": f'Basic realm="Dagster: user {USER}", charset="UTF-8"'}


def require_login(settings: Settings) -> None:
    """Raise ConfigurationError if Dagster would listen beyond this machine without a password."""
    if settings.dagster_host not in LOOPBACK and settings.dagster_password is None:
        raise ConfigurationError(
            f"EVENTMILL_DAGSTER_HOST is {settings.dagster_host}, which other machines reach:"
            " set EVENTMILL_DAGSTER_PASSWORD, or leave Dagster on 127.0.0.1 behind a proxy"
            " (docs/how-to/dagster-behind-a-proxy.md)"
        )


def guarded(app: ASGIApp, settings: Settings) -> "Guard":
    """The application behind what `settings` allow."""
    password = settings.dagster_password
    return Guard(
        app,
        own_hosts=LOOPBACK | ({settings.dagster_host} - EVERYWHERE),
        public_hosts=settings.dagster_public_hosts,
        password=password.get_secret_value() if password else None,
    )


class Guard:
    """ASGI middleware. `own_hosts` are names of this machine, `public_hosts` those of a proxy."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        own_hosts: Collection[str],
        public_hosts: Collection[str] = (),
        password: str | None = None,
    ) -> None:
        self.app = app
        self.hosts = {host.lower() for host in (*own_hosts, *public_hosts)}
        self.public_hosts = {host.lower() for host in public_hosts}
        self.credentials = f"{USER}:{password}".encode() if password else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif refusal := self._refusal(scope):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})  # before accept: a 403
            else:
                await refusal(scope, receive, send)
        else:
            await self.app(scope, receive, _without_frames(send))

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _name(host) not in self.hosts:
            return _refuse(
                421, f"the host {host!r} is not served: name it in EVENTMILL_DAGSTER_ALLOWED_HOSTS"
            )
        origin = headers.get("origin")
        if origin is not None and not self._is_own(origin, host):
            return _refuse(403, f"a page of {origin!r} may not drive Dagster")
        if not self._is_logged_in(scope, headers.get("authorization", "")):
            return _refuse(401, f"log in as {USER} with EVENTMILL_DAGSTER_PASSWORD", LOGIN)
        if scope["type"] == "websocket":
            return None
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            if "query" in parse_qs(scope["query_string"].decode("latin-1"), True):
                return _refuse(405, "GraphQL is a POST of JSON", {"Allow": "POST"})
        elif headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            return _refuse(415, "send application/json")
        return None

    def _is_own(self, origin: str, host: str) -> bool:
        """Whether a page of this very UI asks. Behind a proxy the two may differ in the port."""
        netloc = urlsplit(origin).netloc.lower()
        return netloc == host.lower() or _name(netloc) in self.public_hosts

    def _is_logged_in(self, scope: Scope, authorization: str) -> bool:
        if self.credentials is None or scope["path"] == READY_PATH:
            return True
        scheme, _, encoded = authorization.partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True)
        except ValueError:
            return False
        return scheme.lower() == "basic" and hmac.compare_digest(given, self.credentials)


def _name(netloc: str) -> str:
    """`[::1]:3000` → `::1`; "" for what is no host."""
    try:
        return (urlsplit(f"//{netloc}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _refuse(status: int, why: str, headers: dict[str, str] | None = None) -> PlainTextResponse:
    return PlainTextResponse(f"{why}\n", status, headers)


def _without_frames(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *NO_FRAMES]
        await send(message)

    return with_headers
