"""Removes personal data from a URL: e-mail addresses, credentials, values of named parameters.

A URL is taken apart (login, path, query, fragment), each part is decoded and looked at, also where
it is another URL, and what need not change stays as it was sent, to the byte. Parameters are known
by the words of their name: `token` means `token`, `reset_token`, `resetToken` and `user[token]`,
and not `tokens_per_page`.
"""

import re
from functools import lru_cache
from urllib.parse import quote, unquote

from eventmill.core.settings import get_settings

REDACTED = "redacted"
PARAMETERS = (
    # Credentials and sessions
    "token", "jwt", "password", "passwd", "passwort", "passphrase", "pwd", "pass", "secret", "otp",
    "auth", "authorization", "credential", "credentials", "api_key", "apikey", "access_key",
    "private_key", "write_key", "signature", "sig", "session", "session_id", "sessionid", "sid",
    "jsessionid", "phpsessid", "cookie", "magic_link", "invite_code", "verification_code",
    # Persons
    "email", "e_mail", "mail", "email_address", "phone", "phone_number", "telephone", "tel",
    "mobile_number", "first_name", "firstname", "last_name", "lastname", "full_name", "fullname",
    "surname", "user_name", "username", "login", "birthday", "birthdate", "birth_date",
    "date_of_birth", "dob", "ssn", "passport", "iban", "card_number", "cvv", "cvc",
    # Addresses of computers
    "ip", "ip_address", "ipaddress", "ip_addr", "remote_addr", "remote_address", "client_address",
)  # fmt: skip
# A URL in a parameter of a URL in a parameter: deeper is no redirect, but somebody's test of us.
MAX_DEPTH = 4
# Longer URLs are not remembered: those that are take 4 MB at most.
REMEMBERED_CHARACTERS = 500

# Each run of characters is tried once and never given back, so the time is linear in the text.
_EMAIL = re.compile(
    r"(?<![^\s@/\\?&=#;:,<>()\[\]\"|%])[^\s@/\\?&=#;:,<>()\[\]\"|%]++"
    r"(?:@[\w-]++(?:\.[\w-]++)*\.[^\W\d_][\w-]+)+"
)
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{2,}+(?:\.[\w-]*+)?")
_LOGIN = re.compile(r"(?<=//)[^/?#\s]{1,1024}@")
# Percent-encoded letters, `=`, `@` and percent signs: what hides a name, an address or a URL.
_HIDDEN = re.compile(r"%(?:3d|4[0-9a-f]|5[0-9a]|6[1-9a-f]|7[0-9a]|25)", re.IGNORECASE)
_NAME = re.compile(r"(?:[?&;#/]|^)([^=&;?#/]{1,200})=")
# After a semicolon it may be a parameter of the path (;jsessionid=), which the query's ? ends.
_PARAMETER = re.compile(
    r"(?:(?:[?&#/]|^)(?P<name>[^=&;?#/]{1,200})|;(?P<path_name>[^=&;?#/]{1,200}))="
    r"(?P<value>(?(path_name)[^&;#?]*|[^&;#]*))"
)
_ENCODED = re.compile(r"[^/?#&;=%]*%[^/?#&;=]*")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")


def scrub_url(url: str) -> str:
    """`url` without personal data; unchanged, and at once, if nothing hints at any."""
    if not (_looked_at(url) if len(url) <= REMEMBERED_CHARACTERS else is_suspicious(url)):
        return url
    return _scrub(url, MAX_DEPTH)


def is_suspicious(text: str) -> bool:
    """False if no URL in `text` holds anything to scrub; True is "look closer"."""
    return (
        "@" in text
        or "eyJ" in text
        or ("%" in text and _HIDDEN.search(text) is not None)
        or ("=" in text and any(map(_is_sensitive, _NAME.findall(text))))
    )


# A look takes 2 µs; pages, and the landing page and referrer of a session, come again and again.
_looked_at = lru_cache(maxsize=4096)(is_suspicious)


def scrub_text(text: str) -> str:
    """Text that is no URL, such as a campaign value, without e-mail addresses and JWTs."""
    text = _EMAIL.sub(REDACTED, text) if "@" in text else text
    return _JWT.sub(REDACTED, text) if "eyJ" in text else text


def _scrub(url: str, depth: int) -> str:
    if "@" in url:
        url = _LOGIN.sub("", url)
    if "=" in url:
        url = _PARAMETER.sub(_without_value, url)
    if "%" in url:
        url = _ENCODED.sub(lambda match: _decoded(match[0], depth), url)
    return scrub_text(url)


def _without_value(match: re.Match[str]) -> str:
    name = match["name"] or match["path_name"]
    if not match["value"] or not _is_sensitive(unquote(name) if "%" in name else name):
        return match[0]
    return match[0][: -len(match["value"])] + REDACTED


def _decoded(text: str, depth: int) -> str:
    """A part between separators: what it says when decoded counts, as often as it was encoded."""
    decoded = unquote(text)
    if decoded == text:
        return text
    if depth == 0:
        return REDACTED
    clean = _scrub(decoded, depth - 1)
    return text if clean == decoded else quote(clean, safe="")


@lru_cache(maxsize=4096)
def _is_sensitive(name: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(name)]
    known = _names()
    return any("".join(words[start:]) in known for start in range(len(words)))


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    """Names without what separates their words."""
    chosen = [name.strip() for name in get_settings().scrub_parameters.split(",")]
    kept = {_plain(name) for name in chosen if name.startswith("-")}
    more = {_plain(name) for name in chosen if name and not name.startswith("-")}
    return frozenset(({_plain(name) for name in PARAMETERS} | more) - kept)


def _plain(name: str) -> str:
    return "".join(_WORDS.findall(name)).lower()


def forget_names() -> None:
    """Read EVENTMILL_SCRUB_PARAMETERS anew."""
    _looked_at.cache_clear()
    _is_sensitive.cache_clear()
    _names.cache_clear()
