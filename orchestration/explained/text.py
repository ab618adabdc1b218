"""An explanation as lines of text."""

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any


def text(found: Mapping[str, Any]) -> Iterator[str]:
    """The lines of `explanation`'s answer."""
    whose = ", ".join(f"{name} {value}" for name, value in found["entity"].items())
    yield f"daily_metrics of {whose or 'the whole platform'} on {found['date']} (UTC)"
    yield ""
    for name, value in found["numbers"].items():
        yield f"  {name:<16} {value:>12,}"
    yield ""
    yield from _receipt(found)
    yield ""
    yield from _definitions(found)
    yield ""
    yield from _events(found["events"])
    if found["changes"]:
        yield ""
        yield "Changes"
        for change in found["changes"]:
            yield from _change(change)


def _receipt(found: Mapping[str, Any]) -> Iterator[str]:
    receipt = found["receipt"]
    if receipt is None:
        yield "Not built: counted from the events of this moment, as dashboards do."
    else:
        by = f"build {receipt['build_id']}" if receipt["build_id"] else "dbt by hand"
        yield f"Built {_time(receipt['built_at'])} by {by}"
        yield (
            f"  the day had {receipt['events']:,} events: {receipt['counted']:,} people's,"
            f" {receipt['bot_events']:,} bots', {receipt['late']:,} received after it was over,"
            f" {receipt['duplicates']:,} twice"
        )
        if receipt["watermark"]:
            yield f"  with every event that was stored before {_time(receipt['watermark'])}"
    if found["waits"] and receipt is not None:
        yield f"  to be built again: {found['waits']}"


def _definitions(found: Mapping[str, Any]) -> Iterator[str]:
    receipt, definitions = found["receipt"], found["definitions"]
    now = next(iter(definitions.values()))["definition"]
    used = receipt["definition"] if receipt else now
    yield f"Definition {used}"
    if used != now:
        yield f"  since then it has become {now}, which is shown here: rebuild the day to apply it"
    for name, definition in definitions.items():
        yield f"  {name}: {definition['description']}"
        yield f"    {' '.join(definition['sql_expression'].split())}"


def _events(events: Mapping[str, Any]) -> Iterator[str]:
    yield "Events that make it"
    for name, count in events["by_type"].items():
        yield f"  {count:>10,}  {name}"
    if not events["by_type"]:
        yield "  none"
    bots = events["bots_left_out"]
    if bots["events"]:
        yield f"  left out: {bots['events']:,} of bots ({bots['user_agents']:,} user agents)"
    if events["first"]:
        yield "  the first of them:"
    for event in events["first"]:
        yield f"    {event['event_id']}  {_time(event['occurred_at'])}  {event['event_type']}"
    yield "  all of them:"
    yield f"    {' '.join(events['list_all'].split())}"


def _change(change: Mapping[str, Any]) -> Iterator[str]:
    numbers = ", ".join(
        f"{name} {old:,} → {new:,}" for name, (old, new) in change["changed"].items()
    )
    yield f"  {_time(change['at'])}  {numbers}"
    for cause in change["causes"]:
        yield f"    because {_because(cause)}"
    if not change["causes"]:
        yield "    for a reason that the receipts do not tell"


def _because(cause: Mapping[str, Any]) -> str:
    match cause["cause"]:
        case "definition":
            return f"the definition changed from {cause['old']} to {cause['new']}"
        case "late events":
            ids, number = cause["event_ids"], cause["events"]
            more = f" and {number - len(ids):,} more" if number > len(ids) else ""
            came = dict.fromkeys((_time(cause["first_received"]), _time(cause["last_received"])))
            return (
                f"{number:,} event{'' if number == 1 else 's'} came late, received"
                f" {' to '.join(came)}: {', '.join(ids)}{more}"
            )
        case "events deleted":
            number = cause["events"]
            were = "event of the day was" if number == 1 else "events of the day were"
            return f"{number:,} {were} deleted"
        case "bots":
            old, new = cause["bot_events"]
            return (
                f"the list of bots changed from {cause['old']} to {cause['new']}"
                f" (events of bots on the day: {old:,} → {new:,})"
            )
        case _:
            first = ", ".join(
                f"{link['anonymous_id']} is {link['user_id']}" for link in cause["first"]
            )
            return f"visitors turned out to be users ({cause['links']:,}): {first}"


def _time(moment: Any) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
