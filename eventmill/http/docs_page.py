"""`/docs`: the OpenAPI page. It is the only answer that may run a script, and only its own."""

import base64
import hashlib

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse

from eventmill.core.patterns import Pattern

router = APIRouter()

# Where FastAPI takes the page's parts from, and its icon.
PARTS = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/"
ICONS = "https://fastapi.tiangolo.com/img/"

_INLINE_SCRIPT = Pattern("(?s)<script>(.*?)</script>")


@router.get("/docs", include_in_schema=False)
async def docs_page(request: Request) -> HTMLResponse:
    """The calls, with a form to try each."""
    openapi_url = f"{request.scope.get('root_path', '').rstrip('/')}{request.app.openapi_url}"
    page = get_swagger_ui_html(openapi_url=openapi_url, title=request.app.title)
    page.headers["Content-Security-Policy"] = _policy(bytes(page.body).decode())
    return page


def _policy(page: str) -> str:
    found = [script[1].encode() for script in _INLINE_SCRIPT.finditer(page)]
    hashes = [hashlib.sha256(script).digest() for script in found]
    scripts = " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in hashes)
    return (
        f"default-src 'none'; connect-src 'self'; script-src {PARTS} {scripts};"
        f" style-src {PARTS} 'unsafe-inline'; img-src data: {ICONS} {PARTS};"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
