"""The tracking plan: which event types exist and what their props look like.

One YAML file is the only home of the plan; this module loads it, refuses a broken one and checks
props against it. Everything that is derived from a plan is an attribute of the plan, so a process
that loads another plan replaces all of it at once.
"""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import jsonschema_rs
import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from eventmill.core.errors import ConfigurationError, FieldError
from eventmill.core.names import Names
from eventmill.core.settings import get_settings

# The plan that comes with Eventmill; `plan_file` is the one in use.
PLAN_FILE = Path(__file__).with_name("tracking_plan.yml")

Group = Literal["user", "asset", "project", "license", "royalty", "engagement", "system"]
UserRole = Literal["creator", "brand", "admin"]
JsonSchema = dict[str, Any]

URL_DEFINITION = "url"
# What an alias of a property may stand for besides the properties of the event types.
ENTITY_FIELDS = (
    "project_id", "ip_asset_id", "license_id", "brand_id", "creator_id", "session_id", "actor_type",
)  # fmt: skip


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EventType(_Strict):
    """One entry of the plan. `props` maps a property to the name of a definition."""

    group: Group
    description: str = Field(min_length=1)
    anonymous: bool = False
    roles: list[UserRole] = ["creator", "brand", "admin"]
    """Which users may send it with their own token. A server with a secret key may always."""
    actor: Literal["user", "creator", "brand"] = "user"
    """Who does it, when a client names a user and not what kind of user it is."""
    aliases: list[str] = []
    """Other names under which clients send it; spelling alone needs none (`names.py`)."""
    props: dict[str, str] = {}
    required: list[str] = []
    """Props without which an event of the type is refused."""
    shorten: list[str] = []
    """Props that client libraries fill by themselves: too long a text is cut, not refused."""
    personal: list[str] = []
    """Props that may tell who somebody is; a redacted export leaves them out."""


class TrackingPlan(_Strict):
    """The whole plan, as written in the YAML file."""

    version: int
    definitions: dict[str, JsonSchema]
    shared: dict[str, str]
    event_types: dict[str, EventType]
    prop_aliases: dict[str, str] = {}
    """What clients call a property or an entity's id → what it is called here."""

    @cached_property
    def type_names(self) -> Names:
        """Event types by every name that stands for one."""
        aliases = {a: name for name, entry in self.event_types.items() for a in entry.aliases}
        return Names(self.event_types, aliases)

    @cached_property
    def prop_names(self) -> Names:
        """Properties and ids of entities by every name that stands for one."""
        own = {prop for entry in self.event_types.values() for prop in entry.props}
        return Names([*ENTITY_FIELDS, *self.shared, *sorted(own)], self.prop_aliases)

    @cached_property
    def type_set(self) -> frozenset[str]:
        """The names of the event types."""
        return frozenset(self.event_types)

    @cached_property
    def hash(self) -> str:
        """Twelve hexadecimal digits that change with the plan, not with how the file spells it."""
        text = orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).hexdigest()[:12]

    @cached_property
    def props_checker(self) -> "PropsChecker":
        return PropsChecker(self)

    @cached_property
    def url_props(self) -> dict[str, tuple[str, ...]]:
        """Event type → names of its props that the plan calls `url`."""
        return {
            name: tuple(
                prop
                for prop, definition in {**self.shared, **entry.props}.items()
                if definition == URL_DEFINITION
            )
            for name, entry in self.event_types.items()
        }

    @cached_property
    def personal_props(self) -> dict[str, list[str]]:
        """Event type → names of its props that are called personal, where there are any."""
        return {
            name: list(entry.personal) for name, entry in self.event_types.items() if entry.personal
        }

    @cached_property
    def impersonal_props(self) -> dict[str, list[str]]:
        """Event type → names of its props that the plan knows and does not call personal."""
        return {
            name: [prop for prop in {**self.shared, **entry.props} if prop not in entry.personal]
            for name, entry in self.event_types.items()
        }

    @cached_property
    def shortened(self) -> dict[str, dict[str, int]]:
        """Event type → props whose text is cut, and at how many characters."""
        return {
            name: {
                prop: int(self.definitions[{**self.shared, **entry.props}[prop]]["maxLength"])
                for prop in entry.shorten
            }
            for name, entry in self.event_types.items()
        }

    @model_validator(mode="after")
    def _every_alias_means_one_thing(self) -> "TrackingPlan":
        assert self.type_names
        for alias, name in self.prop_aliases.items():
            if self.prop_names.of(name) != name:
                raise ValueError(f"prop_aliases.{alias} names {name!r}, which no event type has")
        return self

    @model_validator(mode="after")
    def _every_reference_is_defined(self) -> "TrackingPlan":
        used = {"shared": self.shared, **{n: t.props for n, t in self.event_types.items()}}
        for place, props in used.items():
            for prop, definition in props.items():
                if definition not in self.definitions:
                    raise ValueError(f"{place}.{prop} names {definition!r}, which is not defined")
        for name, entry in self.event_types.items():
            for prop in entry.required:
                if prop not in entry.props and prop not in self.shared:
                    raise ValueError(f"{name} requires {prop!r}, which is none of its props")
            for prop in entry.personal:
                if prop not in entry.props and prop not in self.shared:
                    raise ValueError(f"{name} calls {prop!r} personal, which is none of its props")
            for prop in entry.shorten:
                definition = {**self.shared, **entry.props}.get(prop, "")
                if "maxLength" not in self.definitions.get(definition, {}):
                    raise ValueError(f"{name} shortens {prop!r}, which has no maxLength there")
        for name, schema in self.definitions.items():
            try:
                jsonschema_rs.validator_for(schema)
            except jsonschema_rs.ValidationError as error:
                raise ValueError(f"definitions.{name} is no JSON Schema: {error.message}") from None
        return self

    def props_schema(self, event_type: str) -> JsonSchema:
        """JSON Schema (2020-12) of one event type's props."""
        properties = {**self.shared, **self.event_types[event_type].props}
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": event_type,
            "type": "object",
            "properties": {name: self.definitions[ref] for name, ref in properties.items()},
            "required": self.event_types[event_type].required,
        }


class PropsChecker:
    """Compiled props schemas of a plan, by event type."""

    def __init__(self, plan: TrackingPlan) -> None:
        self._validators = {
            name: jsonschema_rs.validator_for(plan.props_schema(name), validate_formats=True)
            for name in plan.event_types
        }

    def errors(self, event_type: str, props: dict[str, Any]) -> list[FieldError]:
        """What is wrong with `props`; each error names its path, such as `props.revenue_cents`."""
        validator = self._validators[event_type]
        if validator.is_valid(props):
            return []
        return [
            FieldError(".".join(["props", *map(str, e.instance_path), *below]), e.message)
            for e in validator.iter_errors(props)
            for below in _properties(e.kind)
        ]


def _properties(kind: Any) -> list[list[str]]:
    """What an error's own path lacks: the property that is missing, those that may not be there."""
    if kind.name == "required":
        return [[kind.property]]
    if kind.name == "additionalProperties":
        return [[name] for name in kind.unexpected]
    return [[]]


def plan_file() -> Path:
    """The file of the plan in use."""
    return get_settings().tracking_plan or PLAN_FILE


def load_plan(path: Path | None = None) -> TrackingPlan:
    """Read and validate a plan, by default the one in use.

    Raises ConfigurationError that names what is wrong and where.
    """
    path = path or plan_file()
    try:
        return TrackingPlan.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        problems = "; ".join(
            ": ".join(filter(None, (".".join(map(str, e["loc"])), e["msg"])))
            for e in error.errors()
        )
        raise ConfigurationError(f"the tracking plan {path} is broken: {problems}") from None
    # ValueError: bytes that are no UTF-8, a date that does not exist.
    except (OSError, yaml.YAMLError, ValueError) as error:
        raise ConfigurationError(f"cannot read the tracking plan {path}: {error}") from None


_in_use: list[TrackingPlan] = []
"""The plan of this process, once it was needed."""


def tracking_plan() -> TrackingPlan:
    """The plan in use, read when it is first asked for. Raises what `load_plan` raises."""
    if not _in_use:
        _in_use.append(load_plan())
    return _in_use[0]


def use_plan(plan: TrackingPlan) -> None:
    """From now on this process judges by `plan`."""
    _in_use[:] = [plan]
