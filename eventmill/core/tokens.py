"""User tokens: JWTs with `sub`, `role` and, for a brand, `brand_id`.

A token is signed with HS256 and a shared secret. Where EVENTMILL_JWT_JWKS_URL names a key set, it
is signed with RS256 or ES256 and a key of that set instead. Never both at once: otherwise somebody
could use a public key as the shared secret.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal, get_args

import jwt

from eventmill.core.errors import ConfigurationError, Unauthorized
from eventmill.core.jwks import ALGORITHMS, signing_keys
from eventmill.core.secret_files import kept_secret
from eventmill.core.settings import get_settings

ALGORITHM = "HS256"
DEFAULT_LIFETIME = timedelta(hours=12)
# A token that is longer is nobody's: a header may not be longer either.
MAX_CHARACTERS = 8192
# Clocks of two machines differ by this much without anybody noticing.
LEEWAY = timedelta(seconds=10)

Role = Literal["creator", "brand", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a token speaks for. `brand_id` is set exactly when the role is `brand`."""

    sub: str
    role: Role
    brand_id: str | None = None


@cache
def signing_secret() -> str:
    """The configured secret, else one that is made once and kept in the home, mode 0600."""
    settings = get_settings()
    if settings.jwt_secret is not None:
        return settings.jwt_secret.get_secret_value()
    return kept_secret("jwt_secret")


def issue(caller: Caller, lifetime: timedelta = DEFAULT_LIFETIME) -> str:
    """A token for `caller`, signed with the shared secret.

    Raises ConfigurationError for a role without what it needs, and where only another service can
    sign tokens.
    """
    if signing_keys() is not None:
        raise ConfigurationError(
            "tokens are signed by the service that owns the keys at EVENTMILL_JWT_JWKS_URL: ask it,"
            " or unset it to make tokens here"
        )
    if caller.role not in ROLES:
        raise ConfigurationError(f"unknown role {caller.role!r}: use one of {', '.join(ROLES)}")
    if (caller.role == "brand") != (caller.brand_id is not None):
        raise ConfigurationError("a token has a brand id exactly when its role is brand")
    settings = get_settings()
    if lifetime > longest():
        raise ConfigurationError(
            f"a token is good for {settings.jwt_max_hours:g} h at most (EVENTMILL_JWT_MAX_HOURS)"
        )
    now = datetime.now(UTC)
    claims = {
        "sub": caller.sub,
        "role": caller.role,
        "aud": settings.jwt_audience,
        "iss": settings.jwt_issuer,
        "iat": now,
        "exp": now + lifetime,
    }
    if caller.brand_id is not None:
        claims["brand_id"] = caller.brand_id
    return jwt.encode(claims, signing_secret(), algorithm=ALGORITHM)


def longest() -> timedelta:
    """How long a token may be good for."""
    return timedelta(hours=get_settings().jwt_max_hours)


def verify(token: str) -> Caller:
    """Who `token` speaks for. Blocks while public keys are fetched: see `authenticate`.

    Raises Unauthorized that says why it is not accepted, and Unavailable if there are no keys.
    """
    if len(token) > MAX_CHARACTERS:
        raise Unauthorized("the bearer token is not valid: it is too long")
    try:
        claims = _claims(token)
    except jwt.PyJWTError as error:
        raise Unauthorized(f"the bearer token is not valid: {error}") from None
    except (RecursionError, OverflowError):  # nested JSON, an infinite time
        raise Unauthorized("the bearer token is not valid: it cannot be read") from None
    if (
        int(claims["exp"]) - int(claims.get("iat", time.time()))
        > (longest() + LEEWAY).total_seconds()
    ):
        raise Unauthorized("the bearer token is not valid: it is good for too long")
    role, brand_id = claims.get("role"), claims.get("brand_id")
    if role not in ROLES:
        raise Unauthorized(f"the bearer token's role is not one of {', '.join(ROLES)}")
    if role == "brand" and not (isinstance(brand_id, str) and brand_id):
        raise Unauthorized("the bearer token has the role brand and no brand_id")
    return Caller(claims["sub"], role, brand_id if role == "brand" else None)


async def authenticate(token: str) -> Caller:
    """The same, without holding up the event loop."""
    if signing_keys() is None:
        return verify(token)
    return await asyncio.to_thread(verify, token)


def _claims(token: str) -> dict[str, Any]:
    settings = get_settings()
    keys = signing_keys()
    return jwt.decode(
        token,
        signing_secret() if keys is None else keys.key_of(token),
        algorithms=[ALGORITHM] if keys is None else ALGORITHMS,
        audience=settings.jwt_audience,
        issuer=settings.jwt_issuer,
        leeway=LEEWAY,
        options={"require": ["sub", "exp", "aud", "iss"]},
    )
