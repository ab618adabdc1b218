"""Ids of an erased person in other people's data: in a column, a property or a URL.

These rows belong to others, so they stay, and a pseudonym replaces the id. In a column of ids of
one kind the value has to be equal. Elsewhere the id has to be a whole word that no ordinary word,
number or date could be: an id `42` must not change the `?page=42` of everybody, nor an id
`newsletter` everybody's campaign.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, LiteralString
from urllib.parse import quote

from psycopg import AsyncConnection, sql

from eventmill.core.patterns import Pattern
from eventmill.core.registry import Kind, columns_of
from eventmill.privacy.relations import Relation
from eventmill.privacy.statements import fetch
from eventmill.privacy.subject import USER, Person

# A UUID and an e-mail address are nobody's word. Anything else needs eight characters, and among
# them a letter and a digit that is not a year's: `spring-2024` may be a campaign.
SHORTEST = 8
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_LABEL = Pattern(r"[A-Za-z0-9-]{1,63}")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
# Columns that hold ids of people and nothing else.
PERSON_COLUMNS = frozenset(columns_of(Kind.PERSON))
# Whom each names; the others name users. The last two are of ops: who asked, and who saved.
_NAMED = {"anonymous_id": "devices", "visitor_id": "visitors"}
_USER_COLUMNS = frozenset({"requested_by", "created_by"})
# Columns that name things. A brand is no person, also where one bears the same id.
THING_COLUMNS = frozenset((*columns_of(Kind.THING), "event_type"))
# The audit log says who read what and cannot be changed; of those it was about it has hashes.
LEFT_ALONE = frozenset(
    {
        "ops.audit_log", "ops.erasures", "ops.migrations",
        # Names of places and files, and what still has to be taken out of them.
        "ops.exported_days", "ops.warehouse_erasures",
        # Of these removal.py removes each row of the person, and what comes meanwhile as well; in
        # those of others it replaces the id.
        "raw.identities", "raw.rejected_events", "raw.lifecycle_events",
    }
)  # fmt: skip
TEXT_TYPES = frozenset({"text", "varchar", "bpchar"})
JSON_TYPES = frozenset({"json", "jsonb"})
# Names of fields of a rejected event, in any spelling, that hold ids of people.
PERSON_FIELDS = ("actor", "user", "anonymous", "previous", "visitor", "creator", "distinct")


def is_unmistakable(id_: str) -> bool:
    """Whether an id can be nothing but an id, so that a text which holds it names the person."""
    if _UUID.fullmatch(id_):
        return True
    if any(map(str.isspace, id_)):
        return False
    name, _, host = id_.rpartition("@")
    if name and "." in host.strip("."):
        return True
    rest = _YEAR.sub("", id_)
    return len(id_) >= SHORTEST and any(map(str.isalpha, rest)) and any(map(str.isdecimal, rest))


def parameters(person: Person, pseudonyms: Mapping[str, str]) -> dict[str, Any]:
    """What queries look for, and put in its place. `pseudonyms` has each id of the person.

    Of devices nothing is looked for in texts: whoever logs in can choose a device's id, and it may
    spell another user, an asset or a campaign.
    """
    words = [
        (spelling, pseudonyms[known])
        for known in person.of(USER)
        if is_unmistakable(known)
        for spelling in dict.fromkeys((known, quote(known, safe="")))
    ]
    patterns = [(word_pattern(word), pseudonym) for word, pseudonym in words]
    patterns += [
        (host_pattern(word), pseudonym) for word, pseudonym in words if _LABEL.fullmatch(word)
    ]
    spelled = [found for word, _ in words for found in in_json(word)]
    spelled += [word.lower() for word, _ in words if _LABEL.fullmatch(word)]
    looked_for = person.parameters
    return {
        **looked_for,
        "user_pseudonyms": [pseudonyms[known] for known in looked_for["users"]],
        "device_pseudonyms": [pseudonyms[known] for known in looked_for["devices"]],
        "visitor_pseudonyms": [pseudonyms[known.id] for known in person.visitors],
        "patterns": [pattern for pattern, _ in patterns],
        "replacements": [pseudonym for _, pseudonym in patterns],
        "likes": [f"%{_escaped_like(word)}%" for word in spelled],
        "any_word": "|".join(
            [word_pattern(word) for word in spelled] + [pattern for pattern, _ in patterns]
        ),
        "refused": refused_pattern(looked_for["ids"]),
    }


def in_json(text: str) -> list[str]:
    """The text as it may stand within a JSON string."""
    spellings = (text, json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1])
    return list(dict.fromkeys(spellings))


def literal(text: str) -> str:
    """A regular expression of PostgreSQL that is just this text."""
    return re.sub(r"([^\w\s])", r"\\\1", text)


def word_pattern(word: str) -> str:
    """The text where it is no part of a longer id or address."""
    return f"(?<![[:alnum:]_.@+-]){literal(word)}(?![[:alnum:]_@+-]|\\.[[:alnum:]])"


def host_pattern(word: str) -> str:
    """The text where it is a label of a host, as in `https://WORD.artists.example/`."""
    return (
        r'(?<=(?:^|//|%2[Ff]%2[Ff]|[[:space:]"@])(?:[[:alnum:]_-]+\.)*)'
        f"(?:{'|'.join(map(literal, dict.fromkeys((word, word.lower()))))})"
        r'(?=(?:\.[[:alnum:]-]+)*\.[[:alpha:]]{2,}(?:$|[]/:?#%"[:space:]]))'
    )


def refused_pattern(ids: Sequence[str]) -> str:
    """Where a rejected event, as JSON text, says that one of `ids` is its person."""
    values = "|".join(literal(spelling) for known in ids for spelling in in_json(known))
    return f'"(({_NAMES})_?[Ii]d|sub)"\\s*:\\s*"({values})"'


def people_in(text: str) -> set[str]:
    """The ids that a rejected event, as JSON text, says are of people."""
    return {json.loads(f'"{found[1]}"') for found in _PEOPLE.finditer(text)}


_NAMES = "|".join(f"[{name[0].upper()}{name[0]}]{name[1:]}" for name in PERSON_FIELDS)
_PEOPLE = Pattern(rf'"(?:(?:{_NAMES})_?[Ii]d|sub)"\s*:\s*"((?:[^"\\]|\\.)*)"')


def _escaped_like(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


UPDATE: LiteralString = """
with changed as (
    update {table} as events set {changes}
    where ({condition}) and {others}
    returning {moment} as moment
)

select (moment at time zone 'UTC')::date as day, count(*) from changed group by 1
"""
# What arrives of the person while this runs is still theirs, and removed at the end.
OTHERS_EVENTS: LiteralString = "not raw.event_people(events) && %(visitors)s::text[]"
PSEUDONYM: LiteralString = """
{column} = coalesce(
    ({pseudonyms}::text[])[array_position({ids}::text[], events.{column})],
    ops.replaced(events.{column}, %(patterns)s::text[], %(replacements)s::text[])
)
"""


async def replace_mentions(
    connection: AsyncConnection, relation: Relation, parameters: Mapping[str, Any]
) -> dict[date | None, int]:
    """Put the pseudonyms in place of the ids; in how many rows, by UTC day if they have one.

    `parameters` are those of the function of this name.
    """
    known = PERSON_COLUMNS | (_USER_COLUMNS if relation.schema == "ops" else frozenset())
    people = [name for name in relation.columns if name in known]
    texts = [
        name
        for name, kind in relation.columns.items()
        if (kind in TEXT_TYPES or kind in JSON_TYPES or kind == "_text")
        and name not in known | THING_COLUMNS
    ]
    if not parameters["patterns"]:
        texts = []
    if str(relation) in LEFT_ALONE or not people + texts:
        return {}
    others = sql.SQL(OTHERS_EVENTS if str(relation) == "raw.events" else "true")
    time = relation.time_column
    query = sql.SQL(UPDATE).format(
        table=relation.identifier,
        changes=sql.SQL(", ").join(
            [_changed_id(name) for name in people]
            + [_changed_text(name, relation.columns[name]) for name in texts]
        ),
        condition=_condition(relation, people, texts),
        others=others,
        moment=sql.Identifier("events", time) if time else sql.SQL("null::timestamptz"),
    )
    return dict(await fetch(connection, query, parameters))


def _changed_id(name: str) -> sql.Composed:
    ids = _NAMED.get(name, "users")
    return sql.SQL(PSEUDONYM).format(
        column=sql.Identifier(name),
        ids=sql.Placeholder(ids),
        pseudonyms=sql.Placeholder(ids.removesuffix("s") + "_pseudonyms"),
    )


_REPLACED: LiteralString = "%(patterns)s::text[], %(replacements)s::text[]"
_FORMS: dict[str, LiteralString] = {
    "_text": "array(select ops.replaced(item, {words}) from unnest(events.{column})"
    " with ordinality as items (item, position) order by position)",
    "json": "ops.replaced(events.{column}::jsonb, {words})::json",
}


def _changed_text(name: str, kind: str) -> sql.Composed:
    column = sql.Identifier(name)
    form = _FORMS.get(kind, "ops.replaced(events.{column}, {words})")
    changed = sql.SQL(form).format(column=column, words=sql.SQL(_REPLACED))
    return sql.SQL("{} = {}").format(column, changed)


def _condition(relation: Relation, people: Sequence[str], texts: Sequence[str]) -> sql.Composed:
    found = [
        sql.SQL("events.{} = any({}::text[])").format(
            sql.Identifier(name), sql.Placeholder(_NAMED.get(name, "users"))
        )
        for name in people
    ]
    # An id that no word could be is looked for wherever it stands, under whatever kind.
    together = sql.SQL("concat_ws(E'\\n', {})").format(
        sql.SQL(", ").join(
            sql.SQL("events.{}::text").format(sql.Identifier(name)) for name in (*people, *texts)
        )
    )
    found.append(
        sql.SQL(
            "(%(any_word)s <> '' and {text} like any(%(likes)s::text[]) and {text} ~ %(any_word)s)"
        ).format(text=together)
    )
    return sql.SQL(" or ").join(found)
