"""Reading an event: checked, made uniform, and turned into a row of `raw.events`.

`read_event` takes one event as JSON gives it and returns the row that it becomes, or everything
that is wrong with it. What may be in `props` is the tracking plan's matter.
"""

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from eventmill.core.errors import FieldError
from eventmill.core.plain_json import find_unstorable, printable
from eventmill.core.registry import (
    CONTEXT_FIELDS,
    ENVELOPE,
    FIELDS,
    MAX_CAMPAIGN_CHARACTERS,
    MAX_URL_CHARACTERS,
    MAX_USER_AGENT_BYTES,
    Context,
    Envelope,
    EventRow,
    parse_time,
    utc_text,
)
from eventmill.core.suggestions import Suggestions
from eventmill.core.tracking_plan import tracking_plan
from ingest_api.arrival import Arrival
from ingest_api.campaign import CLICK_ID, UTM_FIELDS, read_campaign
from ingest_api.event_ids import new_event_id, normal_event_id
from ingest_api.props import MAX_ERRORS, read_props, shortened_to

MESSAGES = {
    "string_type": "must be a string",
    "string_too_long": "must have at most {max_length} characters",
    "dict_type": "must be an object",
    "literal_error": "must be one of {expected}",
}
_check: Callable[[Any], Envelope] = ENVELOPE.validator.validate_python  # twice as fast
UTM_NAMES = frozenset(UTM_FIELDS)
NOTHING: Set[str] = frozenset()
Campaign = tuple[str, str, str, str, str, str]
NO_CAMPAIGN: Campaign = ("", "", "", "", "", "")


Status = Literal["accepted", "duplicate", "rejected", "dropped"]
STATUSES: tuple[Status, ...] = ("accepted", "duplicate", "rejected", "dropped")


@dataclass(slots=True)
class Result:
    """One event: rejected with its errors, or a row and what storing it came to."""

    event_id: str | None = None
    """None if the event has no id that can be read, and is not stored."""
    status: Status = "rejected"
    errors: list[FieldError] = field(default_factory=list)
    warnings: list[FieldError] = field(default_factory=list)
    row: EventRow | None = None
    is_forbidden: bool = False
    """Rejected because its sender may not send it."""
    clock_skew_seconds: int = 0

    def as_dict(self) -> dict[str, Any]:
        """As the API answers it."""
        answer: dict[str, Any] = {"event_id": self.event_id, "status": self.status}
        if self.errors:
            answer["errors"] = [error.as_dict() for error in self.errors]
        if self.warnings:
            answer["warnings"] = [warning.as_dict() for warning in self.warnings]
        if self.clock_skew_seconds and not self.errors:
            answer["clock_skew_seconds"] = self.clock_skew_seconds
        return answer


def read_event(raw: object, arrival: Arrival) -> Result:
    """One event, as JSON gave it → its row, or all that is wrong with it. Never raises."""
    if not isinstance(raw, dict):
        return Result(errors=[FieldError("event", "must be a JSON object")])
    errors: list[FieldError] = []
    if arrival.has_odd_values:
        errors += islice(find_unstorable(raw), MAX_ERRORS)
        if len(errors) == MAX_ERRORS:  # there may be more, so no field is known to be good
            return Result(errors=errors)
    fields = _typed(raw, errors)
    # Fields that are wrong by themselves; a rule over two fields does not complain of them again.
    bad = {error.field.split(".", 1)[0] for error in errors} if errors else NOTHING
    get: Any = fields.get
    context: Context = get("context") or Context()

    event_type = get("event_type") or ""
    known_type = event_type in tracking_plan().event_types
    if not known_type and "event_type" not in bad:
        errors.append(_unknown_type(event_type, arrival.suggestions))
    warnings = _unknown_fields(raw, fields, arrival.suggestions)
    props = get("props")
    props_json = "{}"
    if props and "props" not in bad:
        props_json, wrong = read_props(
            event_type if known_type else None,
            props,
            is_checked=arrival.has_odd_values,
            warnings=warnings,
        )
        errors += wrong
    occurred_at = _read_time(fields, "occurred_at", arrival, errors) or arrival.received_text
    sent_at = _read_time(fields, "sent_at", arrival, errors) or arrival.sent_at
    actor_type, actor_id = get("actor_type") or "", get("actor_id") or ""
    if bool(actor_type) != bool(actor_id) and not bad & {"actor_type", "actor_id"}:
        missing, given = ("actor_id", "actor_type") if actor_type else ("actor_type", "actor_id")
        errors.append(FieldError(missing, f"is required together with {given}"))
    entities = _read_entities(fields, bad, errors)

    event_id = None
    if "event_id" not in bad:
        sent_id = get("event_id")
        if sent_id == "":
            errors.append(FieldError("event_id", "must not be empty; leave it out for a new one"))
        else:
            event_id = normal_event_id(sent_id, arrival.id_class) if sent_id else None
    if errors:
        return Result(event_id, "rejected", errors[:MAX_ERRORS], warnings)

    landing_page, page_url = context.get("landing_page") or "", context.get("page_url") or ""
    campaign = _read_campaign(context, landing_page, page_url)
    sent_agent = context.get("user_agent") or ""
    user_agent = short_user_agent(sent_agent or arrival.user_agent)
    if sent_agent and user_agent != sent_agent:
        warnings.append(shortened_to("context.user_agent", len(user_agent)))
    row = EventRow(
        event_id or new_event_id(),
        occurred_at,
        arrival.received_text,
        sent_at,
        get("source") or "web",
        event_type,
        actor_type,
        actor_id,
        get("anonymous_id") or "",
        actor_id or get("anonymous_id") or "",
        get("session_id") or "",
        entities["project"],
        entities["ip_asset"],
        entities["license"],
        get("user_id") or "",
        get("brand_id") or "",
        get("creator_id") or "",
        props_json,
        _short_url("page_url", page_url, warnings),
        _short_url("landing_page", landing_page, warnings),
        _short_url("referrer", context.get("referrer") or "", warnings)
        or arrival.referrer[:MAX_URL_CHARACTERS],
        user_agent,
        *campaign,
        "",  # the service knows the country
        arrival.trust,
    )
    return Result(row.event_id, "accepted", [], warnings, row)


def _typed(raw: dict[str, Any], errors: list[FieldError]) -> Envelope:
    """The known fields of `raw` that have the right type and length; `errors` gets the others."""
    if errors:
        bad = {error.field.split(".", 1)[0] for error in errors}
        raw = {name: value for name, value in raw.items() if printable(name) not in bad}
    try:
        return _check(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        errors += [FieldError(".".join(map(str, e["loc"])), _message(e)) for e in found]
        wrong = {e["loc"][0] for e in found}
        return _check({k: v for k, v in raw.items() if k not in wrong})


def _message(error: ErrorDetails) -> str:
    """What the validator found, in JSON's words rather than Python's."""
    template = MESSAGES.get(error["type"])
    return template.format(**error.get("ctx", {})) if template else error["msg"]


def _unknown_type(event_type: str, suggestions: Suggestions) -> FieldError:
    if not event_type:
        return FieldError("event_type", "is required")
    return FieldError(
        "event_type",
        f"{event_type[:100]!r} is not in the tracking plan"
        + suggestions.of(event_type, tracking_plan().type_set),
    )


def _read_time(
    fields: Envelope, name: Literal["occurred_at", "sent_at"], arrival: Arrival,
    errors: list[FieldError],
) -> str:  # fmt: skip
    """The time as UTC text; "" if there is none or, with an error added, if it is wrong."""
    text = fields.get(name)
    if text is None:
        return ""
    try:
        moment = parse_time(text)
        if name == "occurred_at":
            if moment > arrival.latest:
                raise ValueError("is more than 1 h in the future")  # noqa: TRY301
            if moment < arrival.earliest:
                oldest = arrival.earliest.isoformat(timespec="minutes")
                raise ValueError(f"is before {oldest}, the oldest accepted")  # noqa: TRY301
        return utc_text(moment)
    except ValueError as error:
        errors.append(FieldError(name, str(error)))
    except OverflowError:
        errors.append(FieldError(name, "is outside the years 1 to 9999 of UTC"))
    return ""


def _read_entities(fields: Envelope, bad: Set[str], errors: list[FieldError]) -> dict[str, str]:
    """Ids by entity type, the shorthand entity_type + entity_id included."""
    ids = {
        "project": fields.get("project_id") or "",
        "ip_asset": fields.get("ip_asset_id") or "",
        "license": fields.get("license_id") or "",
    }
    kind, entity_id = fields.get("entity_type") or "", fields.get("entity_id") or ""
    if (not kind and not entity_id) or bad & {"entity_type", "entity_id"}:
        return ids
    if not kind or not entity_id:
        missing, given = ("entity_id", "entity_type") if kind else ("entity_type", "entity_id")
        errors.append(FieldError(missing, f"is required together with {given}"))
    elif ids[kind] not in ("", entity_id):
        errors.append(FieldError("entity_id", f"differs from {kind}_id of the same event"))
    else:
        ids[kind] = entity_id
    return ids


def _read_campaign(context: Context, landing_page: str, page_url: str) -> Campaign:
    """The UTM values and the click id: from the context, else landing page, else page."""
    found: dict[str, Any] = {**read_campaign(page_url), **read_campaign(landing_page)}
    if utm := context.get("utm"):
        found |= {name: value for name, value in utm.items() if value}
    if click_id := context.get("click_id"):
        found[CLICK_ID] = click_id
    if not found:
        return NO_CAMPAIGN
    values = [found.get(name, "")[:MAX_CAMPAIGN_CHARACTERS] for name in (*UTM_FIELDS, CLICK_ID)]
    return cast(Campaign, tuple(values))


def _short_url(name: str, url: str, warnings: list[FieldError]) -> str:
    if len(url) <= MAX_URL_CHARACTERS:
        return url
    warnings.append(shortened_to(f"context.{name}", MAX_URL_CHARACTERS))
    return url[:MAX_URL_CHARACTERS]


def short_user_agent(text: str) -> str:
    """As much of a user agent as is kept."""
    if len(text) * 4 <= MAX_USER_AGENT_BYTES:
        return text
    return text.encode()[:MAX_USER_AGENT_BYTES].decode(errors="ignore")


def _unknown_fields(
    raw: dict[str, Any], fields: Envelope, suggestions: Suggestions
) -> list[FieldError]:
    """A warning for each field that is not part of the envelope."""
    found = [] if raw.keys() <= FIELDS else _unknown(raw, FIELDS, "", suggestions)
    context = fields.get("context")
    if context is not None:
        sent = raw["context"]
        if len(context) < len(sent):
            found += _unknown(sent, CONTEXT_FIELDS, "context.", suggestions)
        utm = context.get("utm")
        if utm is not None and len(utm) < len(sent["utm"]):
            found += _unknown(sent["utm"], UTM_NAMES, "context.utm.", suggestions)
    return found[:MAX_ERRORS]


def _unknown(
    sent: Iterable[str], known: frozenset[str], prefix: str, suggestions: Suggestions
) -> list[FieldError]:
    return [
        FieldError(
            prefix + printable(name[:100]),
            "is not a field of the envelope and was ignored" + suggestions.of(name, known),
        )
        for name in islice((n for n in sent if n not in known), MAX_ERRORS)
    ]
