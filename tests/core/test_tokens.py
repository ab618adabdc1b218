"""Tokens say who calls, and nothing forged or out of date is believed."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from eventmill.core.errors import ConfigurationError, Unauthorized
from eventmill.core.tokens import Caller, Role, issue, signing_secret, verify
from tests.support import environment

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize(
    "caller",
    [Caller("u-1", "creator"), Caller("ünï'--", "admin"), Caller("u-2", "brand", "b-1")],
)
def test_a_token_comes_back_as_its_caller(caller: Caller) -> None:
    assert verify(issue(caller)) == caller


@pytest.mark.parametrize(
    ("role", "brand_id"), [("brand", None), ("creator", "b-1"), ("root", None)]
)
def test_a_role_must_be_complete(role: Role, brand_id: str | None) -> None:
    with pytest.raises(ConfigurationError):
        issue(Caller("u-1", role, brand_id))


def _claims(**changes: object) -> dict[str, object]:
    claims = {
        "sub": "u-1",
        "role": "admin",
        "aud": "eventmill",
        "iss": "eventmill",
        "exp": datetime.now(UTC) + timedelta(hours=1),
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": datetime.now(UTC) - timedelta(minutes=1)},
        {"exp": None},
        {"aud": "other"},
        {"iss": "other"},
        {"sub": None},
        {"role": "root"},
        {"role": "brand"},
        {"role": "brand", "brand_id": 7},
    ],
)
def test_wrong_claims_are_refused(changes: dict[str, object]) -> None:
    token = jwt.encode(_claims(**changes), signing_secret(), algorithm="HS256")
    with pytest.raises(Unauthorized):
        verify(token)


def test_unsigned_and_forged_tokens_are_refused() -> None:
    unsigned = jwt.encode(_claims(), None, algorithm="none")
    forged = jwt.encode(_claims(), "x" * 64, algorithm="HS256")
    for token in (unsigned, forged, "", "a.b.c", issue(Caller("u", "admin"))[:-2]):
        with pytest.raises(Unauthorized):
            verify(token)


def test_the_secret_is_kept_for_its_owner_only_and_stays() -> None:
    from eventmill.core.settings import get_settings

    first = signing_secret()
    signing_secret.cache_clear()
    assert signing_secret() == first
    path = get_settings().home / "secrets" / "jwt_secret"
    assert path.stat().st_mode & 0o777 == 0o600
    with environment(EVENTMILL_JWT_SECRET="y" * 40):
        assert signing_secret() == "y" * 40
