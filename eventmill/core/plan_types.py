"""Types of the tracking plan for clients: TypeScript and Python, written from the same plan.

The envelope's fields come from the envelope itself, an event type's props from its JSON Schema.
What types cannot say (bounds, patterns, formats) stands in the comments; the service checks it.
"""

import json
import keyword
from collections.abc import Callable, Iterator
from typing import Any

from eventmill.core.registry import ENVELOPE
from eventmill.core.tracking_plan import JsonSchema, TrackingPlan

# Spoken of by each event's own type.
OWN = ("event_type", "props")
BOUNDS = ("minimum", "maximum", "minLength", "maxLength", "pattern", "format", "maxItems")


def typescript(plan: TrackingPlan) -> str:
    """A module: an interface for each type's props, and `EventmillEvent` of any event type."""
    schema = ENVELOPE.json_schema()
    parts = [_header("//", plan)]
    for name, entry in plan.event_types.items():
        properties = plan.props_schema(name)["properties"]
        parts.append(
            f"/** {entry.description} */\nexport interface {_class(name)}Props {{\n"
            + _ts_fields(properties, entry.required)
            + "  [other: string]: unknown;\n}\n"
        )
    pairs = "".join(f"  {name}: {_class(name)}Props;\n" for name in plan.event_types)
    parts.append(f"export interface EventProps {{\n{pairs}}}\n")
    parts.append("export type EventType = keyof EventProps;\n")
    anonymous = [name for name, entry in plan.event_types.items() if entry.anonymous]
    parts.append(
        "/** Types that a browser may send without a user token. */\n"
        f"export type AnonymousEventType = {_ts_union(anonymous)};\n"
    )
    for name, definition in schema["$defs"].items():
        fields = _ts_fields(definition["properties"], [])
        parts.append(f"export interface {name} {{\n{fields}}}\n")
    parts.append(
        "export interface EventmillEvent<T extends EventType = EventType> {\n"
        "  event_type: T;\n  props?: EventProps[T];\n"
        + _ts_fields(_envelope_fields(schema), [])
        + "}\n"
    )
    return "\n".join(parts)


def python(plan: TrackingPlan) -> str:
    """A module: a TypedDict for each type's props, one for its event, and `EventmillEvent`."""
    schema = ENVELOPE.json_schema()
    parts = [
        _header("#", plan),
        "from __future__ import annotations\n\n"
        "from typing import Any, Literal, Required, TypedDict\n",
    ]
    for name, definition in schema["$defs"].items():
        parts.append(_py_class(name, definition.get("description"), definition["properties"], []))
    parts.append(_py_class("Envelope", "Fields of every event.", _envelope_fields(schema), []))
    for name, entry in plan.event_types.items():
        properties = plan.props_schema(name)["properties"]
        parts.append(
            _py_class(f"{_class(name)}Props", entry.description, properties, entry.required)
        )
        parts.append(
            f'class {_class(name)}(Envelope, total=False):\n    """{entry.description}"""\n\n'
            f'    event_type: Required[Literal["{name}"]]\n    props: {_class(name)}Props\n'
        )
    events = "\n    | ".join(_class(name) for name in plan.event_types)
    parts.append(f"EventmillEvent = (\n    {events}\n)\n")
    return "\n\n".join(parts)


LANGUAGES: dict[str, Callable[[TrackingPlan], str]] = {"typescript": typescript, "python": python}


def _header(comment: str, plan: TrackingPlan) -> str:
    return (
        f"{comment} Made by `eventmill plan types` from the tracking plan {plan.hash}."
        " Do not edit.\n"
    )


def _envelope_fields(schema: JsonSchema) -> dict[str, JsonSchema]:
    return {name: field for name, field in schema["properties"].items() if name not in OWN}


def _class(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _notes(schema: JsonSchema) -> str:
    """The description and the bounds of a property, on one line; "" if it has neither."""
    bounds = [
        f"{bound}: {option[bound]}"
        for option in [schema, *schema.get("anyOf", ())]
        for bound in BOUNDS
        if bound in option
    ]
    text = " ".join([schema.get("description", ""), f"({', '.join(bounds)})" if bounds else ""])
    return " ".join(text.split()).replace("*/", "* /")


def _ts_fields(properties: dict[str, JsonSchema], required: list[str]) -> str:
    lines = []
    for name, schema in properties.items():
        if notes := _notes(schema):
            lines.append(f"  /** {notes} */\n")
        key = name if name.isidentifier() and name.isascii() else json.dumps(name)
        lines.append(f"  {key}{'' if name in required else '?'}: {_ts(schema)};\n")
    return "".join(lines)


def _ts(schema: JsonSchema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    if "enum" in schema or "const" in schema:
        return _ts_union(schema.get("enum", [schema.get("const")]))
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(_ts(option) for option in options))
    names = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean",
             "null": "null", "object": "Record<string, unknown>"}  # fmt: skip
    return " | ".join(
        f"Array<{_ts(schema.get('items', {}))}>" if kind == "array" else names[kind]
        for kind in _kinds(schema)
    ) or "unknown"  # fmt: skip


def _ts_union(values: list[Any]) -> str:
    return " | ".join(json.dumps(value) for value in values) or "never"


def _py_class(
    name: str, description: str | None, properties: dict[str, JsonSchema], required: list[str]
) -> str:
    lines = [f"class {name}(TypedDict, total=False):"]
    if description:
        lines += [f'    """{description.splitlines()[0]}"""', ""]
    if any(not prop.isidentifier() or keyword.iskeyword(prop) for prop in properties):
        return _py_call(name, properties, required)
    for prop, schema in properties.items():
        if notes := _notes(schema):
            lines.append(f"    # {notes}")
        lines.append(f"    {prop}: {_py_required(schema, prop in required)}")
    return "\n".join([*lines, *(["    pass"] if not properties else [])]) + "\n"


def _py_call(name: str, properties: dict[str, JsonSchema], required: list[str]) -> str:
    """For names that cannot be written as attributes."""
    fields = [f"{p!r}: {_py_required(s, p in required)}" for p, s in properties.items()]
    return f"{name} = TypedDict({name!r}, {{{', '.join(fields)}}}, total=False)\n"


def _py_required(schema: JsonSchema, is_required: bool) -> str:
    return f"Required[{_py(schema)}]" if is_required else _py(schema)


def _py(schema: JsonSchema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return f"Literal[{', '.join(map(repr, values))}]"
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(_py(option) for option in options))
    names = {"string": "str", "integer": "int", "number": "float", "boolean": "bool",
             "null": "None", "object": "dict[str, Any]"}  # fmt: skip
    return " | ".join(
        f"list[{_py(schema.get('items', {}))}]" if kind == "array" else names[kind]
        for kind in _kinds(schema)
    ) or "Any"  # fmt: skip


def _kinds(schema: JsonSchema) -> Iterator[str]:
    kind = schema.get("type", [])
    yield from [kind] if isinstance(kind, str) else kind
