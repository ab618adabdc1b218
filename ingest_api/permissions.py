"""Who may send what, event by event.

- A publishable key is public: it sends what the plan marks `anonymous`, and names no actor.
- A user's token says who the actor is, and of which brand; an event that says otherwise is
  rejected. So is a type whose `roles` in the plan do not have the user's.
- A secret key sends anything for anyone; together with a user's token it names that user only.
"""

from typing import Any

from eventmill.core.errors import FieldError
from eventmill.core.tokens import Caller
from eventmill.core.tracking_plan import EventType, tracking_plan
from ingest_api.senders import Sender

ACTOR = ("actor_type", "actor_id")


def apply(event: dict[str, Any], sender: Sender) -> tuple[dict[str, Any], list[FieldError]]:
    """The event, with its actor if a token names it, and what the sender may not do.

    An event is never changed in place. A type that the plan does not know is not rejected here: it
    is wrong, whoever sends it.
    """
    errors: list[FieldError] = []
    if sender.caller is not None:
        event = _with_actor(event, sender.caller, errors)
    if sender.kind == "secret":
        return event, errors
    name = event.get("event_type")
    known = tracking_plan().event_types.get(name) if isinstance(name, str) else None
    if sender.caller is not None:
        if known is not None and sender.caller.role not in known.roles:
            errors.append(_wrong_role(str(name), known, sender.caller))
        return event, errors
    if known is not None and not known.anonymous:
        message = f"{name} needs a user's token or a secret write key; this key is publishable"
        errors.append(FieldError("event_type", message))
    errors += [
        FieldError(field, "needs a user's token or a secret write key; this key is publishable")
        for field in ACTOR
        if event.get(field) not in (None, "")
    ]
    return event, errors


def _with_actor(event: dict[str, Any], caller: Caller, errors: list[FieldError]) -> dict[str, Any]:
    said: dict[str, str] = {"actor_type": caller.role, "actor_id": caller.sub}
    if caller.brand_id is not None:
        said["brand_id"] = caller.brand_id
    for field, value in said.items():
        if event.get(field) not in (None, "", value):
            errors.append(
                FieldError(field, "differs from what the user's token says; leave it out")
            )
    return {**event, **said}


def _wrong_role(name: str, known: EventType, caller: Caller) -> FieldError:
    who = " or ".join([f"the role {role}" for role in known.roles] + ["a secret write key"])
    return FieldError("event_type", f"{name} needs {who}; the token's role is {caller.role}")
