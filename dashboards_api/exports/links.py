"""Signed links to files on this machine. A link needs no token, and works until it expires."""

import hashlib
import hmac
import time
from uuid import UUID

from eventmill.core.errors import Forbidden
from eventmill.core.tokens import signing_secret

PURPOSE = b"eventmill: download of an export"

INVALID = "the link is not one of ours: GET /v1/exports/{id} gives a valid one"
EXPIRED = "the link has expired: GET /v1/exports/{id} gives a new one"


def signature(export_id: UUID, expires: int) -> str:
    """Proof that the link to the export, good until `expires` (Unix time), was made here."""
    # A key of its own: a signature must never pass for one of a token.
    key = hmac.new(signing_secret().encode(), PURPOSE, hashlib.sha256).digest()
    return hmac.new(key, f"{export_id}:{expires}".encode(), hashlib.sha256).hexdigest()


def require_valid(export_id: UUID, expires: int, given: str) -> None:
    """Return if the link was made here and still works. Raises Forbidden."""
    right = signature(export_id, expires)
    if not hmac.compare_digest(right.encode(), given.encode(errors="surrogatepass")):
        raise Forbidden(INVALID)
    if expires <= time.time():
        raise Forbidden(EXPIRED)
