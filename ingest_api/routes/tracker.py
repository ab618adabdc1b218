"""The browser tracker: /em.js and /em.core.js, and the same under names that hold their content."""

import gzip
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Request, Response

from eventmill.core.errors import NotFound
from ingest_api.headers import header
from ingest_api.openapi import PROBLEMS

# A new version is everywhere after five minutes; until then nobody asks, then 304 is the answer.
SHORT = "public, max-age=300"
LONG = "public, max-age=31536000, immutable"

NO_SCRIPT = "there is no such script: see /docs"
# A script, and perhaps the hash of one of its versions.
FILE = re.compile(r"(em(?:\.core)?)(?:\.(.++))?")

STATIC = Path(__file__).parents[1] / "static"

router = APIRouter(tags=["tracker"])


class Script(NamedTuple):
    """A JavaScript file that `make tracker` built, plain and as gzip."""

    plain: bytes
    packed: bytes
    hash: str
    """The first 16 hexadecimal digits of the SHA-256 of the plain file."""


@cache
def script(name: str) -> Script:
    """`em` or `em.core`. Raises FileNotFoundError if the package was built without it."""
    plain = (STATIC / f"{name}.js").read_bytes()
    # Without a time, so that equal contents are equal bytes.
    return Script(plain, gzip.compress(plain, 9, mtime=0), hashlib.sha256(plain).hexdigest()[:16])


@router.get(
    "/{file}.js",
    summary="The browser tracker",
    response_class=Response,
    responses={
        200: {"content": {"text/javascript": {}}, "description": "The script."},
        304: {"description": "The one that the browser has is current."},
        307: {"description": "Another version: the current one is there."},
        **PROBLEMS.described(NotFound(NO_SCRIPT)),
    },
)
async def get_script(request: Request, file: str) -> Response:
    """`em.js` is the tracker with everything, `em.core.js` its core, both for a script tag.

    `Content-Location` names the version, such as `em.0123456789abcdef.js`: under that name it never
    changes, and browsers keep it for a year.
    """
    match = FILE.fullmatch(file)
    if match is None:
        raise NotFound(NO_SCRIPT)
    name, content_hash = match.groups()
    found = script(name)
    if content_hash not in (None, found.hash):
        # A page that still names an older version goes on being tracked.
        headers = {"Location": f"{name}.js", "Cache-Control": SHORT}
        return Response(status_code=307, headers=headers)
    etag = f'"{found.hash}"'
    headers = {
        "Cache-Control": LONG if content_hash else SHORT,
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
