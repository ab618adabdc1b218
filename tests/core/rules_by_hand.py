"""The rules of the schema `rules` in plain Python: what its views must say of a stream."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from eventmill.core.trust import Trust

DAY = date(2024, 2, 27)
DAYS = [DAY + timedelta(days=n) for n in range(-4, 6)]
UNREADABLE = ("soon", "2024-02-30", "", "0000-01-01", "2024-1-1", 20240101)
TERMS = ("license_created", "license_renewed")
LIFE = (
    "asset_uploaded", "asset_approved", "asset_rejected",
    "project_created", "project_started", "project_completed", "project_archived",
    "license_created", "license_signed", "license_renewed", "license_expired",
    "ownership_corrected",
)  # fmt: skip
# Those that decide come more often.
TYPES = (
    *LIFE, "asset_uploaded", "asset_uploaded", "project_created", "project_created", *TERMS, *TERMS,
    "license_expired",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Event:
    number: int
    event_type: str
    occurred_at: datetime
    received_at: datetime
    actor_type: str | None = None
    actor_id: str | None = None
    creator_id: str | None = None
    brand_id: str | None = None
    project_id: str | None = None
    ip_asset_id: str | None = None
    license_id: str | None = None
    trust: Trust = Trust.SECRET
    props: dict[str, Any]

    @property
    def arrival(self) -> tuple[int, datetime, int]:
        """What a more trusted sender says comes before all that others say."""
        return -self.trust, self.received_at, self.number

    @property
    def in_life(self) -> tuple[datetime, int, int]:
        return self.occurred_at, LIFE.index(self.event_type), self.number

    def may_claim(self, *own: str) -> bool:
        """Whether it decides whose a thing is: of a server, an admin, or a user of themselves."""
        is_users = self.trust == Trust.TOKEN and self.actor_type in ("admin", *own)
        return self.trust == Trust.SECRET or is_users

    @property
    def title(self) -> str | None:
        return self.props.get("title") or self.props.get("name")

    @property
    def asset_type(self) -> str | None:
        return self.props.get("asset_type")

    @property
    def creator(self) -> str | None:
        return self.actor_id if self.actor_type == "creator" else self.creator_id


def moment(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def owner(events: list[Event], kind: str, thing: str) -> str | None:
    """The last correction's, else whom the first claim of the most trusted class names."""
    name, claim, own = {
        "ip_asset_id": ("creator_id", "asset_uploaded", "creator"),
        "project_id": ("brand_id", "project_created", "brand"),
    }[kind]
    about = [e for e in events if getattr(e, kind) == thing]
    corrections = [
        e for e in about
        if e.event_type == "ownership_corrected" and e.may_claim() and getattr(e, name)
    ]  # fmt: skip
    if corrections:
        last = max(corrections, key=lambda e: (e.trust, e.received_at, e.number))
        return str(getattr(last, name))
    named = "creator" if claim == "asset_uploaded" else name
    claims = [e for e in about if e.event_type == claim and e.may_claim(own) and getattr(e, named)]
    return getattr(min(claims, key=lambda e: e.arrival), named) if claims else None


def is_heard(event: Event, events: list[Event]) -> bool:
    """Whether it says how its thing stands: of a server, an admin or the owner."""
    if event.may_claim():
        return True
    if event.trust < Trust.TOKEN:
        return False
    if event.event_type == "asset_uploaded" and event.actor_type == "creator":
        asset = event.ip_asset_id
        return asset is not None and event.actor_id == owner(events, "ip_asset_id", asset)
    if event.event_type.startswith("project") and event.actor_type == "brand":
        project, brand = event.project_id, event.brand_id
        return None not in (project, brand) and brand == owner(events, "project_id", str(project))
    return False


def by_hand(stream: list[Event]) -> dict[str, list[tuple[Any, ...]]]:
    events = [e for e in stream if is_heard(e, stream)]

    def first(name: str, thing: str, kind: str, *types: str) -> Any:
        about = [e for e in events if getattr(e, kind) == thing and e.event_type in types]
        said = [e for e in sorted(about, key=lambda e: e.arrival) if getattr(e, name) is not None]
        return getattr(said[0], name) if said else None

    def named(kind: str, prefix: str = "") -> list[str]:
        about = [e for e in events if e.event_type.startswith(prefix)]
        return sorted({thing for e in about if (thing := getattr(e, kind)) is not None})

    def status(kind: str, thing: str, prefix: str) -> str:
        about = [e for e in events if getattr(e, kind) == thing]
        last = max((e for e in about if e.event_type.startswith(prefix)), key=lambda e: e.in_life)
        return last.event_type.partition("_")[2]

    def of_license(name: str, thing: str) -> Any:
        about = [e for e in events if e.license_id == thing and e.event_type.startswith("license")]
        said = [e for e in about if getattr(e, name) is not None]
        order = [(-e.trust, e.event_type != "license_created", e.arrival) for e in said]
        return getattr(said[order.index(min(order))], name) if said else None

    creators = {a: owner(stream, "ip_asset_id", a) for a in named("ip_asset_id")}
    brands = {p: owner(stream, "project_id", p) for p in named("project_id", "project")}
    owned = {e.ip_asset_id for e in stream if e.ip_asset_id}
    run = {e.project_id for e in stream if e.project_id}
    active: dict[str, list[datetime]] = {}
    for e in stream:
        if e.creator is not None:
            active.setdefault(e.creator, []).append(e.occurred_at)
    return {
        "creators of assets": [(a, c) for a in owned if (c := owner(stream, "ip_asset_id", a))],
        "brands of projects": [(p, b) for p in run if (b := owner(stream, "project_id", p))],
        "assets": [
            (
                a, creator, first("title", a, "ip_asset_id", "asset_uploaded"),
                first("asset_type", a, "ip_asset_id", "asset_uploaded"), judged(events, a),
            )
            for a, creator in creators.items()
        ],
        "projects": [
            (
                p, brand, first("title", p, "project_id", "project_created"),
                status("project_id", p, "project"),
            )
            for p, brand in brands.items()
        ],
        "licenses": [
            (
                n, of_license("ip_asset_id", n), of_license("project_id", n),
                of_license("brand_id", n), status("license_id", n, "license"),
            )
            for n in named("license_id", "license")
        ],
        "held": held(stream),
        "active": [(c, min(when), max(when)) for c, when in active.items()],
    }  # fmt: skip


def judged(events: list[Event], asset: str) -> str:
    about = [e for e in events if e.ip_asset_id == asset]
    words = [e for e in about if e.event_type in ("asset_approved", "asset_rejected")]
    if words:
        last = max(e.occurred_at for e in words)
        # Of both at one moment the good one.
        types = sorted(e.event_type for e in words if e.occurred_at == last)
        return types[0].removeprefix("asset_")
    return "uploaded" if any(e.event_type == "asset_uploaded" for e in about) else "unknown"


def held(events: list[Event]) -> list[tuple[Any, ...]]:
    """(license, asset, brand, day) of each day on which the brand may use the asset."""
    events = [e for e in events if e.may_claim()]
    created = {
        (e.license_id, e.ip_asset_id, e.brand_id)
        for e in events
        if e.event_type == "license_created" and e.license_id
    }

    def concerns(e: Event, one: tuple[str | None, str, str]) -> bool:
        is_named = (e.ip_asset_id, e.brand_id) == one[1:]
        return is_named or (e.event_type != "license_created" and one in created)

    found = []
    for one in [
        (n, a, b) for n in ("l1", "l2", None) for a in ("a1", "a2") for b in ("acme", "umbra")
    ]:
        terms = [
            e for e in events
            if e.event_type in TERMS and e.license_id == one[0] and concerns(e, one)
        ]  # fmt: skip
        ends = [
            e for e in events
            if e.event_type == "license_expired"
            and (
                (e.license_id is None and (e.ip_asset_id, e.brand_id) == one[1:])
                or (e.license_id is not None and e.license_id == one[0] and concerns(e, one))
            )
        ]  # fmt: skip
        for day in DAYS:
            if any(
                is_within(term, day)
                and not any(
                    end.occurred_at >= term.occurred_at and end.occurred_at.date() <= day
                    for end in ends
                )
                for term in terms
            ):
                found.append((*one, day))
    return found


def is_within(term: Event, day: date) -> bool:
    starts, ends = term.props.get("starts_on"), term.props.get("ends_on")
    if {starts, ends} & set(UNREADABLE):
        return False
    return (starts is None or starts <= str(day)) and (ends is None or str(day) <= ends)
