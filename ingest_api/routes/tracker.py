"""The browser tracker: /em.js and /em.core.js, and the same under names that hold their content."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from ingest_api.headers import header
from ingest_api.static_files import script

# A new version is everywhere after five minutes; until then nobody asks, then 304 is the answer.
SHORT = "public, max-age=300"
LONG = "public, max-age=31536000, immutable"

Responses = dict[int | str, dict[str, Any]]
SCRIPT = {"content": {"text/javascript": {}}, "description": "The script."}
CURRENT: Responses = {200: SCRIPT, 304: {"description": "The one that the browser has is current."}}
VERSION: Responses = {
    200: SCRIPT,
    307: {"description": "Another version: the current one is there."},
}

router = APIRouter(tags=["tracker"])


def _get_current(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def get_current(request: Request) -> Response:
        """For a script tag. `Content-Location` names the version, which never changes."""
        return _answer(request, name, SHORT)

    return get_current


def _get_version(name: str) -> Callable[[Request, str], Awaitable[Response]]:
    async def get_version(request: Request, content_hash: str) -> Response:
        """One version of it, which browsers keep for a year."""
        if content_hash != script(name).hash:
            # A page that still names an older version goes on being tracked.
            headers = {"Location": f"{name}.js", "Cache-Control": SHORT}
            return Response(status_code=307, headers=headers)
        return _answer(request, name, LONG)

    return get_version


# The plain names come first, as `core` could be a hash too.
for _name, _what in (("em.core", "The tracker's core"), ("em", "The tracker, with everything")):
    router.add_api_route(
        f"/{_name}.js", _get_current(_name), summary=_what, response_class=Response,
        responses=CURRENT, operation_id=f"get_{_name}".replace(".", "_"),
    )  # fmt: skip
for _name, _what in (("em.core", "A version of the core"), ("em", "A version of the tracker")):
    router.add_api_route(
        f"/{_name}.{{content_hash}}.js", _get_version(_name), summary=_what,
        response_class=Response, responses=VERSION,
        operation_id=f"get_{_name}_version".replace(".", "_"),
    )  # fmt: skip


def _answer(request: Request, name: str, caching: str) -> Response:
    found = script(name)
    etag = f'"{found.hash}"'
    headers = {
        "Cache-Control": caching,
        "Content-Location": f"{name}.{found.hash}.js",
        # Pages that isolate themselves load only what says that it may be.
        "Cross-Origin-Resource-Policy": "cross-origin",
        "ETag": etag,
        "Vary": "Accept-Encoding",
    }
    # A proxy that compresses makes the tag a weak one, W/"…".
    if etag in header(request, b"if-none-match"):
        return Response(status_code=304, headers=headers)
    content = found.plain
    if "gzip" in header(request, b"accept-encoding"):
        content, headers["Content-Encoding"] = found.packed, "gzip"
    return Response(content, headers=headers, media_type="text/javascript")
