"""Whom a request comes from, where proxies of one's own are in front.

A header is believed as far as these proxies wrote it: each adds one value at the end, and what was
there before the first of them is the client's own word.
"""

from collections.abc import Sequence
from ipaddress import IPv6Address
from typing import Any

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from eventmill.core.settings import get_settings


class Proxies:
    """ASGI middleware: `client` and `scheme` are what the outermost of `count` proxies has seen."""

    def __init__(self, app: ASGIApp, count: int) -> None:
        self.app = app
        self.count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            if address := self._seen(scope, b"x-forwarded-for"):
                scope["client"] = (_without_port(address), 0)
            if (scheme := self._seen(scope, b"x-forwarded-proto")) in ("http", "https"):
                is_socket = scope["type"] == "websocket"
                scope["scheme"] = scheme.replace("http", "ws") if is_socket else scheme
        await self.app(scope, receive, send)

    def _seen(self, scope: Scope, header: bytes) -> str:
        """What the outermost proxy wrote; "" if the request did not come through all of them.

        Proxies hand the scheme on rather than add to it, so one value of it is enough.
        """
        sent = b",".join([value for name, value in scope["headers"] if name == header])
        values = [value.strip() for value in sent.decode("latin-1").split(",")]
        if header == b"x-forwarded-proto" and len(values) == 1:
            return values[0]
        return values[-self.count] if len(values) >= self.count else ""


def _without_port(address: str) -> str:
    """`203.0.113.7:51234` and `[2001:db8::7]:51234`, as some proxies write it, without the port."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def network_of(address: str) -> str:
    """What one household or machine has: an IPv4 address, or the /64 of an IPv6 address."""
    if ":" not in address:
        return address
    try:
        found = IPv6Address(address)
    except ValueError:
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return found.packed[:8].hex()


def middleware() -> Sequence[Middleware]:
    """The middleware, where EVENTMILL_TRUSTED_PROXIES says that there are any."""
    count = get_settings().trusted_proxies
    options: dict[str, Any] = {"count": count}
    return [Middleware(Proxies, **options)] if count else []
