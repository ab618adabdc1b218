"""What an export reads of `raw.events`, as one `copy` statement for each format.

The database does the redacting, the escaping and the JSON: the process that makes a file only
passes bytes on.
"""

from typing import Any, Literal, LiteralString

from psycopg import sql
from psycopg.types.json import Jsonb

from dashboards_api.database import conjunction, fill
from eventmill.core.registry import COLUMNS, Kind, columns_of
from eventmill.core.tracking_plan import tracking_plan

Format = Literal["csv", "jsonl", "parquet"]

TIMES = tuple(name for name, column in COLUMNS.items() if column.type == "timestamptz")
# Neither an id of a person nor a text that may hold one: a filter on these would single somebody
# out of a redacted file. What is held on one person is answered by the calls for subjects.
FILTERS = columns_of(Kind.LABEL, Kind.THING, Kind.CAMPAIGN)
PSEUDONYMS = columns_of(Kind.PERSON, Kind.VISIT, Kind.CLICK)
URLS = columns_of(Kind.URL)

PSEUDONYM: LiteralString = "ops.pseudonym(export.pseudonym_key, event.{column})"
WITHOUT_QUERY: LiteralString = "split_part(split_part(event.{column}, '?', 1), '#', 1)"
AGENT: LiteralString = """
(
    select concat_ws(' / ', agent.device_type, agent.browser, agent.os)
    from enrichment.user_agents as agent
    where agent.user_agent = event.user_agent
)
"""
KNOWN_PROPS: LiteralString = """
(
    select coalesce(
        jsonb_object_agg(
            prop.key,
            case
                when
                    %(url_props)s::jsonb -> event.event_type ? prop.key
                    and jsonb_typeof(prop.value) = 'string'
                    then to_jsonb(
                        split_part(split_part(prop.value #>> '{{}}', '?', 1), '#', 1)
                    )
                else prop.value
            end
        ),
        '{{}}'
    )
    from jsonb_each(event.props_json) as prop
    where %(known_props)s::jsonb -> event.event_type ? prop.key
)
"""

# `offset 0`: each value is worked out once, and not wherever an expression around it names it.
EVENTS: LiteralString = """
select {columns}
from raw.events as event
cross join (
    select pseudonym_key from ops.exports where export_id = %(export_id)s
) as export
where
    event.occurred_at >= %(start)s
    and event.occurred_at < %(end)s
    and {filters}
offset 0
"""
FILTER: LiteralString = "({value}::text[] is null or event.{column} = any({value}::text[]))"

# Spreadsheets run a cell that begins with one of these, also behind blanks and also in the forms
# of East Asian keyboards (https://owasp.org/www-community/attacks/CSV_Injection). The first
# character alone decides nearly all cells, without a regular expression.
BLANKS = "\t\n\v\f\r \u00a0\u200b\u2060\u3000\ufeff"
OPERATORS = "=+-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b"
SUSPECTS = [ord(character) for character in BLANKS + OPERATORS]
FORMULA = rf"^([\t\r\n]|[{BLANKS}]*[{OPERATORS.replace('-', '')}-])"
NUMBER = r"^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?$"
CELL: LiteralString = """
case
    when
        ascii({value}) = any(%(suspects)s::int[])
        and {value} ~ %(formula)s
        and {value} !~ %(number)s
        then '''' || {value}
    else {value}
end
"""
# ISO 8601 with an offset, as JSON has it.
TIME: LiteralString = "to_json(event.{column}) #>> '{{}}'"

TABLE: LiteralString = """
copy (
    select {cells} from ({events}) as event order by event.occurred_at, event.event_id
) to stdout (format csv)
"""
# JSON has no control characters in it, so with these two nothing is ever quoted or escaped: each
# line is the JSON itself, which the text format would mangle.
LINES: LiteralString = """
copy (
    select row_to_json(event)::text
    from ({events}) as event
    order by event.occurred_at, event.event_id
) to stdout (format csv, quote E'\\x01', delimiter E'\\x02')
"""


def statement(format_: Format, *, redacted: bool) -> sql.Composed:
    """`copy … to stdout` of one day's events, by time. `parameters` names what it takes."""
    if format_ == "csv":
        cells = fill("{}", map(_cell, COLUMNS))
        return sql.SQL(TABLE).format(cells=cells, events=_events(redacted=redacted))
    # A Parquet file is put together out of lines, in which props are a text to the letter.
    events = _events(redacted=redacted, props_are_text=format_ == "parquet")
    return sql.SQL(LINES).format(events=events)


def parameters(filters: dict[str, list[str]]) -> dict[str, Any]:
    """What the statement takes besides `export_id`, `start` and `end`."""
    plan = tracking_plan()
    return {
        **{name: filters.get(name) for name in FILTERS},
        "known_props": Jsonb(plan.impersonal_props),
        "url_props": Jsonb(plan.url_props),
        "suspects": SUSPECTS,
        "formula": FORMULA,
        "number": NUMBER,
    }


def _events(*, redacted: bool, props_are_text: bool = False) -> sql.Composed:
    filters = [
        sql.SQL(FILTER).format(value=sql.Placeholder(name), column=sql.Identifier(name))
        for name in FILTERS
    ]
    columns = [_column(column, redacted, props_are_text) for column in COLUMNS]
    return sql.SQL(EVENTS).format(columns=fill("{}", columns), filters=conjunction(filters))


def _column(column: str, redacted: bool, props_are_text: bool) -> sql.Composed:
    source: LiteralString = "event.{column}"
    if redacted and column in PSEUDONYMS:
        source = PSEUDONYM
    elif redacted and column in URLS:
        source = WITHOUT_QUERY
    elif redacted and column == "user_agent":
        source = AGENT
    elif redacted and column == "props_json":
        source = KNOWN_PROPS
    if props_are_text and column == "props_json":
        source = "(" + source + ")::text"
    name = sql.Identifier(column)
    return sql.SQL("{value} as {name}").format(value=sql.SQL(source).format(column=name), name=name)


def _cell(column: str) -> sql.Composed:
    name = sql.Identifier(column)
    if column in TIMES:
        return sql.SQL(TIME).format(column=name)
    value = sql.SQL("event.{column}").format(column=name)
    # A UUID, a number of ours and a JSON object begin with none of the characters.
    return cell(value) if COLUMNS[column].type == "text" else value


def cell(value: sql.Composable) -> sql.Composed:
    """SQL of a text as a spreadsheet takes it for text; a number stays one."""
    return sql.SQL(CELL).format(value=value)
