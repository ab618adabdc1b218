"""Removes personal data from a URL: e-mail addresses, credentials, values of named parameters.

A URL is taken apart (login, path, query, fragment), each part is decoded and looked at, also where
it is another URL, and what need not change stays as it was sent, to the byte. Parameters are known
by the words of their name: `token` means `token`, `reset_token`, `resetToken` and `user[token]`,
and not `tokens_per_page`.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote, unquote

from eventmill.core.credentials import REDACTED, may_hold_credentials, without_credentials
from eventmill.core.settings import get_settings

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

# Nothing that a repetition took is given back, and where a run of characters is tried it begins, so
# the time is linear in the text (tests/core/test_patterns.py). RE2 takes 10 µs for each match.
_EMAIL = re.compile(
    r"(?<![^\s@/\\?&=#;:,<>()\[\]\"|%])[^\s@/\\?&=#;:,<>()\[\]\"|%]++"
    # Labels of a domain, through the last that may be a top-level one.
    r"(?:@[\w-]++(?:(?:\.(?![^\W\d_][\w-])[\w-]++)*+\.[^\W\d_][\w-]++)++)++"
)
_LOGIN = re.compile(r"(?<=//)(?:[^/?#\s@]*+@)++")
# Percent-encoded letters, `=`, `@` and percent signs: what hides a name, an address or a URL.
_HIDDEN = re.compile(r"%(?:3d|4[0-9a-f]|5[0-9a]|6[1-9a-f]|7[0-9a]|25)", re.IGNORECASE)
_SEPARATOR = re.compile(r"([&;?#/])")
_PART = re.compile(r"([&;?#/=])")
# Separators as one of them, to split at any.
_AS_ONE = str.maketrans("?;#/", "&&&&")
_BORDER = re.compile(r"(?<=[A-Z])(?=[A-Z][a-z])")
_WORDS = re.compile(r"[A-Z]?[a-z]++|[A-Z]++|\d++|[^\W\d_]++")
MAX_NAME_CHARACTERS = 200


def scrub_url(url: str) -> str:
    """`url` without personal data; unchanged, and at once, if nothing hints at any."""
    if not (_looked_at(url) if len(url) <= REMEMBERED_CHARACTERS else is_suspicious(url)):
        return url
    return _scrub(url, MAX_DEPTH)


def is_suspicious(text: str) -> bool:
    """False if no URL in `text` holds anything to scrub; True is "look closer"."""
    return (
        "@" in text
        or may_hold_credentials(text)
        or ("%" in text and _HIDDEN.search(text) is not None)
        or ("=" in text and any(map(_is_sensitive, _names_in(text))))
    )


def _names_in(text: str) -> Iterator[str]:
    for part in text.translate(_AS_ONE).split("&"):
        name, equals, _ = part.partition("=")
        if equals and 0 < len(name) <= MAX_NAME_CHARACTERS:
            yield name


# A look takes 2 µs; pages, and the landing page and referrer of a session, come again and again.
_looked_at = lru_cache(maxsize=4096)(is_suspicious)


def scrub_text(text: str) -> str:
    """Text that is no URL, such as a campaign value, without e-mail addresses and credentials."""
    return without_credentials(_EMAIL.sub(REDACTED, text) if "@" in text else text)


def _scrub(url: str, depth: int) -> str:
    if "@" in url:
        url = _LOGIN.sub("", url)
    if "=" in url:
        url = _without_values(url)
    if "%" in url:
        parts = _PART.split(url)
        parts[::2] = [_decoded(part, depth) if "%" in part else part for part in parts[::2]]
        url = "".join(parts)
    return scrub_text(url)


def _without_values(url: str) -> str:
    """Without the values of sensitive parameters, of the query, the fragment and the path.

    After a semicolon it may be a parameter of the path (;jsessionid=), which the query's ? ends.
    """
    parts = _SEPARATOR.split(url)  # text, separator, text, …
    ends = ""
    """Where the value ends that is being removed; "" if none is."""
    for place in range(0, len(parts), 2):
        before = parts[place - 1] if place else ""
        if ends and before not in ends:
            parts[place - 1] = parts[place] = ""
            continue
        ends = ""
        name, equals, value = parts[place].partition("=")
        if not equals or not 0 < len(name) <= MAX_NAME_CHARACTERS:
            continue
        if _is_sensitive(unquote(name) if "%" in name else name):
            ends = "&;#?" if before == ";" else "&;#"
            after = parts[place + 1] if place + 1 < len(parts) else "&"
            if value or after not in ends:
                parts[place] = f"{name}={REDACTED}"
    return "".join(parts)


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
    known, longest = _names()
    end = ""
    for word in reversed(_words(name)):
        end = word.lower() + end
        if end in known:
            return True
        if len(end) > longest:
            break
    return False


@lru_cache(maxsize=1)
def _names() -> tuple[frozenset[str], int]:
    """Names without what separates their words, and how long the longest is."""
    chosen = [name.strip() for name in get_settings().scrub_parameters.split(",")]
    kept = {_plain(name) for name in chosen if name.startswith("-")}
    more = {_plain(name) for name in chosen if name and not name.startswith("-")}
    names = frozenset(({_plain(name) for name in PARAMETERS} | more) - kept)
    return names, max(map(len, names), default=0)


def _words(name: str) -> list[str]:
    return _WORDS.findall(_BORDER.sub(" ", name))


def _plain(name: str) -> str:
    return "".join(_words(name)).lower()


def forget_names() -> None:
    """Read EVENTMILL_SCRUB_PARAMETERS anew."""
    _looked_at.cache_clear()
    _is_sensitive.cache_clear()
    _names.cache_clear()
