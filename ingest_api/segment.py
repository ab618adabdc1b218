"""Calls of the Segment tracking API, which RudderStack's libraries speak too, as plain events.

| call | becomes |
|---|---|
| `track` | the event type that its name stands for in the tracking plan |
| `page`, `screen` | `page_viewed` |
| `identify`, `alias` | a link from the anonymous id to the user, no event |
| `group` | nothing: the plan has no event for it |

Any call that names both an anonymous id and a user links the two, as Segment's do. The shapes are
https://segment.com/docs/connections/spec/common/; nothing here judges them: an id, a time or
properties of the wrong type go on as they are, and are rejected, with their names, where all events
are.
"""

import ipaddress
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from eventmill.core.plain_json import text_problem
from eventmill.core.registry import MAX_ID_CHARACTERS, parse_time, utc_text
from eventmill.core.tokens import ROLES
from eventmill.core.tracking_plan import ENTITY_FIELDS, tracking_plan
from ingest_api.arrival import Arrival
from ingest_api.identities import Link
from ingest_api.privacy import hidden_id
from ingest_api.senders import Sender

CALLS = ("track", "page", "screen", "identify", "group", "alias")

# A page call repeats its context among its properties. These have columns (page_url, referrer), or
# are parts of what has.
PAGE_COPIES = frozenset(
    {
        "url", "referrer", "search", "tab_url", "referring_domain",
        "initial_referrer", "initial_referring_domain",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """What one call comes to: an event to judge, a link to keep, both or neither."""

    event: object | None
    link: Link | None = None
    address: str = ""
    """Where the visitor was, if a server says so; "" if only the request itself can tell."""


def read_calls(
    messages: Sequence[object], kind: str, arrival: Arrival, sent_at: object
) -> list[Call]:
    """`read_call` of each."""
    return [read_call(message, kind, arrival, sent_at) for message in messages]


def read_call(message: object, kind: str, arrival: Arrival, sent_at: object) -> Call:
    """One call. `kind` is its type if the route says it, else "" and the message does.

    `sent_at` is the batch's, for a message without its own.
    """
    sender = arrival.sender
    if not isinstance(message, dict):
        return Call(message)
    kind = kind or _text(message.get("type"))
    if kind in ("identify", "alias"):
        return Call(None, _link(message, kind, sender, arrival.received_text))
    if kind == "group":
        return Call(None)
    context = _object(message.get("context"))
    event = {
        "event_id": _id(message.get("messageId")),
        "event_type": _event_type(message, kind),
        "occurred_at": message.get("timestamp") or message.get("originalTimestamp"),
        "sent_at": message.get("sentAt") or sent_at,
        "source": _source(message, context),
        "anonymous_id": _id(message.get("anonymousId")),
        "session_id": _id(context.get("sessionId")),
        "context": _context(message, context, kind),
    }
    fields, props = _properties(message, kind)
    event |= fields
    if props:
        event["props"] = props
    event |= _user(message, context, event, sender)
    event = {name: value for name, value in event.items() if value not in (None, "")}
    return Call(event, None, _address(context, sender))


def reread(event: dict[str, Any], sender: Sender) -> dict[str, Any]:
    """What `read_call` made of a call, read again: the plan may have learnt more names since."""
    fields, props = _named(event.get("props"), event.keys() & set(ENTITY_FIELDS))
    event = {**event, **fields, "event_type": _known_type(event.get("event_type"))}
    if props:
        event["props"] = props
    else:
        event.pop("props", None)
    if sender.kind == "secret" and sender.caller is None and not event.get("actor_id"):
        event |= _actor_from_server(event.pop("user_id", None), event, None)
    return {name: value for name, value in event.items() if value not in (None, "")}


def _event_type(message: dict[str, Any], kind: str) -> object:
    if kind in ("page", "screen"):
        return "page_viewed"
    if kind != "track":
        return kind or "(no type)"
    return _known_type(message.get("event"))


def _known_type(name: object) -> object:
    return (tracking_plan().type_names.of(name) or name) if isinstance(name, str) else name


def _properties(message: dict[str, Any], kind: str) -> tuple[dict[str, Any], object]:
    """The envelope's fields that are among the properties, and the others as props."""
    fields, props = _named(message.get("properties"))
    if kind in ("page", "screen") and isinstance(props, dict):
        props = {name: value for name, value in props.items() if name not in PAGE_COPIES}
        for name in ("name", "category"):
            if message.get(name):
                props.setdefault(name, message[name])
        if "title" not in props and "name" in props:
            props["title"] = props["name"]
    return fields, props


def _named(sent: object, present: Set[str] = frozenset()) -> tuple[dict[str, Any], Any]:
    """Properties by the plan's names: the envelope's fields among them, and the others as props.

    `present` are fields that the event has already; they stay.
    """
    if not isinstance(sent, dict):
        return {}, sent
    props: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    names = tracking_plan().prop_names
    for name, value in sent.items():
        own = names.of(name) or name
        # What is there under its own name, or came first, stays; the same again stays beside it.
        if own != name and (own in sent or own in fields or own in props or own in present):
            own = name
        if own in ENTITY_FIELDS:
            fields[own] = _id(value)
        else:
            props[own] = value
    return fields, props


def _user(
    message: dict[str, Any], context: dict[str, Any], event: dict[str, Any], sender: Sender
) -> dict[str, Any]:
    """Who acts. A server names whom it likes; a browser's word is kept as `user_id`, no more."""
    user_id = _id(message.get("userId"))
    if not user_id:
        return {}
    if sender.caller is not None:
        # The token says who; only somebody else's name is passed on, to be rejected.
        same = user_id == sender.caller.sub
        return {} if same else {"actor_type": sender.caller.role, "actor_id": user_id}
    if sender.kind == "publishable":
        return {"user_id": user_id}
    return _actor_from_server(user_id, event, _object(context.get("traits")).get("role"))


def _actor_from_server(user_id: object, event: dict[str, Any], role: object) -> dict[str, Any]:
    """The actor. If neither the event nor the plan gives an actor type, only `user_id` is stored:
    a replay can tell it once the plan knows the event type.
    """
    entry = tracking_plan().event_types.get(str(event["event_type"]))
    actor_type = event.get("actor_type") or (role if role in ROLES else None)
    if not user_id or not (actor_type or entry):
        return {"user_id": user_id}
    return {"actor_type": actor_type or (entry and entry.actor), "actor_id": user_id}


def _context(message: dict[str, Any], context: dict[str, Any], kind: str) -> dict[str, Any]:
    page = _object(context.get("page"))
    if kind == "page":
        page = {**_object(message.get("properties")), **page}
    campaign = _object(context.get("campaign"))
    utm = {
        "source": campaign.get("source"),
        "medium": campaign.get("medium"),
        "campaign": campaign.get("name"),
        "term": campaign.get("term"),
        "content": campaign.get("content"),
    }
    found = {
        "page_url": _text(page.get("url")),
        "referrer": _text(page.get("referrer")),
        "user_agent": _text(context.get("userAgent")),
        "locale": _text(context.get("locale")),
        "utm": {name: value for name, value in utm.items() if isinstance(value, str) and value},
    }
    return {name: value for name, value in found.items() if value}


def _source(message: dict[str, Any], context: dict[str, Any]) -> str:
    """`web`, `server` or `mobile` as RudderStack's libraries say it, else the library's name."""
    library = _object(context.get("library"))
    return (_text(message.get("channel")) or _text(library.get("name")) or "segment")[:64]


def _link(message: dict[str, Any], kind: str, sender: Sender, received: str) -> Link | None:
    """The link of an `identify` or `alias`; None if it names no pair that can be kept."""
    user_id = _id(message.get("userId"))
    other = message.get("anonymousId") if kind == "identify" else message.get("previousId")
    if sender.caller is not None:
        if user_id not in (None, "", sender.caller.sub):
            return None
        user_id = sender.caller.sub
    anonymous_id = _id(other)
    if not (_is_storable(user_id) and _is_storable(anonymous_id)):
        return None
    seen_at = _seen_at(message, received)
    names = hidden_id(anonymous_id), hidden_id(user_id)
    return Link(*names, seen_at, received, sender.key_id or "", sender.trust)


def _seen_at(message: dict[str, Any], received: str) -> str:
    sent = _text(message.get("timestamp")) or _text(message.get("originalTimestamp"))
    try:
        return min(utc_text(parse_time(sent)), received)
    except (ValueError, OverflowError):
        return received


def _is_storable(value: object) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_ID_CHARACTERS
        and text_problem(value) is None
    )


def _address(context: dict[str, Any], sender: Sender) -> str:
    """`context.ip`, which a server sends for its visitor; from anybody else it does not count."""
    if sender.kind != "secret":
        return ""
    try:
        return str(ipaddress.ip_address(_text(context.get("ip"))))
    except ValueError:
        return ""


def _id(value: object) -> Any:
    """Some programs have numbers for ids. Anything else stays as it is."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
