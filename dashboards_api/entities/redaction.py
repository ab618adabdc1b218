"""Which fields of an event a creator or a brand may see.

An event on somebody's asset was made by a visitor, and owners must not learn who that is. They see
what happened, when, to which project, asset or license, and how the visit came about. They see
nothing that names or tells apart a person. The lists name what is shown, so a new field is hidden.

A brand gets no event of another brand's business (`queries.OF_NO_OTHER_BRAND`). Of an event that is
nobody's business, such as a visit to an asset that several brands license, it learns neither where
the visit came from nor what was paid.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from dashboards_api.entities.queries import Event, OwnThings
from eventmill.core.registry import COLUMNS
from eventmill.core.tokens import Caller

SHOWN = tuple(name for name, column in COLUMNS.items() if column.is_shown)

# Of a visitor's event they would tell of which brand the visitor is: a person, in a small company.
PARTIES = ("brand_id", "creator_id")
# These name them as parties, as do the lifecycle events.
ROYALTIES = frozenset(("royalty_calculated", "royalty_statement_generated", "royalty_paid"))

# Amounts, terms and kinds. Free text, such as a search, a message or a label, may name somebody.
SHOWN_PROPS = frozenset(
    (
        "revenue_cents", "currency", "engagement_ms", "title", "name", "asset_type", "format",
        "file_size_bytes", "position", "license_type", "territory", "price_cents", "budget_cents",
        "starts_on", "ends_on", "signed_on", "ended_on", "outcome", "experiment", "variant",
    )
)  # fmt: skip
# What a creator earns with an asset is not a licensee's to know.
CREATORS_PROPS = frozenset(("amount_cents", "period_start", "period_end", "paid_on"))


# Several brands license an asset: what one pays, for which project and with which campaign is not
# the other's.
BUSINESS = ("referrer_domain", *(name for name, column in COLUMNS.items() if column.is_business))
MONEY = frozenset(("revenue_cents", "currency", "price_cents", "budget_cents"))


@dataclass(frozen=True, slots=True)
class Known:
    """What the database says that decides what is shown: the lifecycle event types, and a brand's
    own things."""

    lifecycle_types: Collection[str]
    own: OwnThings | None = None


def redacted(event: Event, caller: Caller, known: Known) -> dict[str, Any]:
    """The fields of `event` that `caller`, a creator or a brand who may see its entity, may see."""
    shown: dict[str, Any] = {name: event[name] for name in SHOWN}
    shown["referrer_domain"] = referrer_domain(event["referrer"])
    if event["event_type"] in known.lifecycle_types or event["event_type"] in ROYALTIES:
        shown |= {name: event[name] for name in PARTIES}
    names = SHOWN_PROPS | CREATORS_PROPS if caller.role == "creator" else SHOWN_PROPS
    shown["props"] = {
        name: value
        for name, value in event["props_json"].items()
        if name in names and isinstance(value, str | int | float)
    }
    if known.own is not None and not known.own.has(event):
        shown["props"] = {n: value for n, value in shown["props"].items() if n not in MONEY}
        for name in BUSINESS:
            shown.pop(name, None)
    return shown


def referrer_domain(referrer: str | None) -> str | None:
    """The host of a referring page in lower case, without `www.`; the rest may name a person."""
    try:
        host = urlsplit(referrer or "").hostname
    except ValueError:
        return None
    return host.removeprefix("www.") if host else None
