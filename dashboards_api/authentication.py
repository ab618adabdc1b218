"""Who is calling. Each module names what it needs with one annotated alias of these."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from eventmill.core.errors import Forbidden, Unauthorized
from eventmill.core.tokens import Caller, authenticate

_bearer = HTTPBearer(
    scheme_name="bearer",
    bearerFormat="JWT",
    description="A token of `eventmill token --role R --sub S [--brand-id B]`, or a JWT that your"
    " own service signs, with the same secret or with a key of EVENTMILL_JWT_JWKS_URL.",
    auto_error=False,
)

ADMINS_ONLY = "only a token with the role admin may read this"


async def authenticated(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """FastAPI dependency: the token's caller. Raises Unauthorized."""
    if credentials is None:
        raise Unauthorized("no token: send the header `Authorization: Bearer <token>`")
    caller = await authenticate(credentials.credentials)
    request.state.role = caller.role  # for the log, which says no more of who called
    return caller


async def admin(caller: Annotated[Caller, Depends(authenticated)]) -> Caller:
    """FastAPI dependency: the same, for admins only. Raises Forbidden."""
    if caller.role != "admin":
        raise Forbidden(ADMINS_ONLY)
    return caller
