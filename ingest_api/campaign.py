"""Campaign marks of a link: the five UTM values, and the click id that an ad network adds."""

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote_plus

UTM_FIELDS = ("source", "medium", "campaign", "term", "content")

# Parameters by which ad networks recognise a click again, in the order in which one is chosen.
# Google (auto-tagging; gbraid and wbraid where iOS withholds gclid; dclid of Display & Video 360),
# Microsoft, Meta, TikTok, X, LinkedIn, Snapchat, Pinterest, Reddit, Yandex, Impact and Rakuten.
CLICK_ID_PARAMETERS = (
    "gclid",
    "gbraid",
    "wbraid",
    "dclid",
    "msclkid",
    "fbclid",
    "ttclid",
    "twclid",
    "li_fat_id",
    "sccid",
    "epik",
    "rdt_cid",
    "yclid",
    "irclickid",
    "ransiteid",
)
CLICK_ID = "click_id"

_FIELD = {f"utm_{field}": field for field in UTM_FIELDS} | dict.fromkeys(
    CLICK_ID_PARAMETERS, CLICK_ID
)
_RANK = {name: rank for rank, name in enumerate(CLICK_ID_PARAMETERS)}
# One pass in C; splitting and decoding every parameter of a query takes five times as long.
_PARAMETER = re.compile(rf"[?&]({'|'.join(_FIELD)})=([^&]++)", re.IGNORECASE)


# A session's events repeat its landing page. Longer URLs than this are not remembered: 4 MB in all.
REMEMBERED_CHARACTERS = 500


def read_campaign(url: str) -> Mapping[str, str]:
    """The campaign marks in `url`'s query: keys of UTM_FIELDS and `click_id`, decoded, not empty.

    Of a parameter that occurs twice the first counts. Names are compared without regard to case.
    Bytes that are no UTF-8, and NUL, which PostgreSQL cannot store, become U+FFFD.
    """
    if "?" not in url:
        return {}
    return _remembered(url) if len(url) <= REMEMBERED_CHARACTERS else _read(url)


def _read(url: str) -> Mapping[str, str]:
    start, end = url.find("?"), url.find("#")
    found: dict[str, str] = {}
    best_rank = len(CLICK_ID_PARAMETERS)
    for name, raw in _PARAMETER.findall(url, start, end if end >= 0 else len(url)):
        value = _decode(raw) if "%" in raw or "+" in raw else raw
        name = name.lower()
        field = _FIELD[name]
        if not value:
            continue
        if field != CLICK_ID:
            found.setdefault(field, value)
        elif (rank := _RANK[name]) < best_rank:
            best_rank = rank
            found[CLICK_ID] = value
    return found


_remembered = lru_cache(maxsize=4096)(_read)


def _decode(raw: str) -> str:
    return unquote_plus(raw).replace("\0", "\ufffd").strip()
