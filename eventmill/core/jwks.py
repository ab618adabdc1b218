"""Public keys of user tokens, fetched from EVENTMILL_JWT_JWKS_URL (RFC 7517) and kept."""

import logging
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from eventmill.core.errors import Unauthorized, Unavailable
from eventmill.core.settings import get_settings

log = logging.getLogger("eventmill.tokens")

ALGORITHMS = ("RS256", "ES256")
# NIST SP 800-131A: shorter ones are not to be used.
MIN_RSA_BITS = 2048
KEPT_SECONDS = 300
# A token may name any key id, and each unknown one could make a fetch.
COOLDOWN_SECONDS = 10
TIMEOUT_SECONDS = 5


class SigningKeys(jwt.PyJWKClient):
    """The keys at `url`. While it does not answer, the last ones that it gave serve on."""

    def __init__(self, url: str) -> None:
        super().__init__(
            url,
            lifespan=KEPT_SECONDS,
            cooldown_duration=COOLDOWN_SECONDS,
            timeout=TIMEOUT_SECONDS,
        )
        self._last: Any = None
        self._failed_at = float("-inf")

    def fetch_data(self) -> Any:
        """The key set as JSON. Raises Unavailable if there is none and never was one."""
        if time.monotonic() - self._failed_at >= COOLDOWN_SECONDS:
            try:
                self._last = super().fetch_data()
            except (jwt.PyJWTError, OSError, ValueError) as error:
                self._failed_at = time.monotonic()
                log.warning("no signing keys from %s: %s", self.uri, type(error).__name__)
        if self._last is None:
            raise Unavailable("the keys that tokens are checked with cannot be fetched now")
        return self._last

    def key_of(self, token: str) -> jwt.PyJWK:
        """The public key that `token` names by its `kid`. Blocks while keys are fetched.

        Raises PyJWTError for a token that names none of them, and Unavailable.
        """
        key = self.get_signing_key_from_jwt(token)
        # The set is public: a symmetric key in it would let anybody sign.
        if key.algorithm_name not in ALGORITHMS:
            raise Unauthorized("the bearer token's key is not for RS256 or ES256")
        if isinstance(key.key, rsa.RSAPublicKey) and key.key.key_size < MIN_RSA_BITS:
            raise Unauthorized(f"the bearer token's key has fewer than {MIN_RSA_BITS:,} bits")
        return key


@cache
def signing_keys() -> SigningKeys | None:
    """The configured key set; None when tokens are signed with a shared secret."""
    url = get_settings().jwt_jwks_url
    return SigningKeys(url) if url else None
