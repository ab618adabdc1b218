"""Who is calling: a route declares `Viewer`, anybody with a token, or `Admin`."""

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

# For the description of a call: how a token is refused.
NO_TOKEN = Unauthorized("the bearer token is not valid: Signature has expired")
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


Viewer = Annotated[Caller, Depends(authenticated)]
Admin = Annotated[Caller, Depends(admin)]
