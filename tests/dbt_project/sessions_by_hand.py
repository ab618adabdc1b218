"""What sessions, touches and credits must be, by plain loops over the events of one visitor."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from eventmill.core.days import day_start
from tests.dbt_project.warehouse import Event

CHAIN = timedelta(minutes=30)
NUMBERED = timedelta(hours=24)
ONE = timedelta(days=1)
LOOKBACK = timedelta(days=30)
Key = tuple[str, object]


def moment(event: Event) -> datetime:
    return day_start(event.day) + timedelta(microseconds=event.at)


def day_of(event: Event) -> date:
    return moment(event).astimezone(UTC).date()


def in_order(events: list[Event]) -> list[Event]:
    return sorted(events, key=lambda event: (moment(event), event.event_id.bytes))


def origin(event: Event) -> tuple[str, str, str | None]:
    """Source, medium and campaign of what the tests send."""
    if event.utm_source:
        return event.utm_source.lower(), event.utm_medium or "(not set)", event.utm_campaign
    if event.referrer and "shop.example" not in event.referrer:
        return event.referrer.split("/")[2], "referral", None
    return "(direct)", "(none)", None


def key_of(events: list[Event], at: int) -> Key:
    """The session id that belongs to events[at], or the chain in which no event has one."""
    event = events[at]
    if event.session_id is not None:
        return "id", event.session_id
    start = at
    while start > 0 and moment(events[start]) - moment(events[start - 1]) <= CHAIN:
        start -= 1
    for earlier in reversed(events[start:at]):
        if earlier.session_id is not None and day_of(earlier) >= day_of(event) - ONE:
            return "id", earlier.session_id
    for before, later in zip(events[at:], events[at + 1 :], strict=False):
        if moment(later) - moment(before) > CHAIN or day_of(later) != day_of(event):
            break
        if later.session_id is not None:
            return "id", later.session_id
    return "chain", moment(events[start])


def sessions_of(events: list[Event]) -> list[tuple[str | None, list[Event]]]:
    """The client's id and the events, in order, of each session of one visitor."""
    events = in_order(events)
    pieces: dict[tuple[Key, date], list[Event]] = defaultdict(list)
    for at, event in enumerate(events):
        pieces[key_of(events, at), day_of(event)].append(event)

    def follows_on(key: Key, day: date) -> bool:
        first = moment(pieces[key, day][0])
        if key[0] == "chain":
            return isinstance(key[1], datetime) and key[1] < day_start(day)
        return any(
            event.session_id == key[1]
            and day_of(event) == day - ONE
            and first - moment(event) <= NUMBERED
            for event in events
        )

    def goes_on(key: Key, day: date) -> bool:
        before = (key, day - ONE)
        return follows_on(key, day) and before in pieces and not follows_on(*before)

    sessions = []
    for key, day in pieces:
        if not goes_on(key, day):
            whole = list(pieces[key, day])
            if (key, day + ONE) in pieces and goes_on(key, day + ONE):
                whole += pieces[key, day + ONE]
            sessions.append((str(key[1]) if key[0] == "id" else None, whole))
    return sessions


def simple_sessions(events: list[Event]) -> list[list[Event]]:
    """If all events have an id, or none has: cut where a pause is long."""
    runs: list[list[Event]] = []
    latest: dict[str | None, list[Event]] = {}
    for event in in_order(events):
        run = latest.get(event.session_id)
        pause = CHAIN if event.session_id is None else NUMBERED
        if run is None or moment(event) - moment(run[-1]) > pause:
            run = latest[event.session_id] = []
            runs.append(run)
        run.append(event)
    return runs


def touches_of(session: list[Event]) -> list[Event]:
    """The arrivals; those that a browser claimed are compared with their like only."""
    touches = [session[0]]
    for event in session[1:]:
        alike = [touch for touch in touches if is_claimed(touch) == is_claimed(event)]
        if origin(event)[0] != "(direct)" and origin(event) not in map(origin, alike[-1:]):
            touches.append(event)
    return touches


def is_claimed(event: Event) -> bool:
    return event.reached_by == "claimed"


@dataclass(frozen=True)
class Claim:
    """A link that a browser claimed: when, and the events that it does not make the user's."""

    received_at: datetime
    before: list[Event]


def earns(touch: Event, conversion: Event) -> bool:
    """Whether the touch was there when the conversion came, or a more trusted sender says so."""
    assert touch.received_at
    assert conversion.received_at
    on_time = touch.received_at <= conversion.received_at
    return on_time or touch.trust == 3 or touch.trust > conversion.trust


@dataclass(frozen=True)
class Credit:
    conversion: Event
    model: str
    touch_number: int
    touch: Event
    reached_by: str
    credit: Fraction
    cents: int


def credits_of(
    events: list[Event], cents: dict[str, int], claim: Claim | None = None
) -> list[Credit]:
    """All credits of one visitor's conversions; `cents` by event id as text."""
    own = [touch for _, session in sessions_of(events) for touch in touches_of(session)]
    before = claim.before if claim else []
    followed = [touch for _, session in sessions_of(before) for touch in touches_of(session)]
    found = []
    for conversion in in_order(events):
        if conversion.event_type != "license_created":
            continue
        at = (moment(conversion), conversion.event_id.bytes)
        assert conversion.received_at
        follows = claim is not None and conversion.received_at >= claim.received_at
        path = [
            touch
            for touch in in_order([*own, *(followed if follows else [])])
            if (moment(touch), touch.event_id.bytes) <= at
            and moment(conversion) - moment(touch) <= LOOKBACK
            and earns(touch, conversion)
        ] or [conversion]
        reached_by = ["claimed" if touch in followed else touch.reached_by for touch in path]
        for model, weights in weights_of(path, conversion).items():
            parts = apportion(10**10, weights)
            money = apportion(cents[str(conversion.event_id)], parts)
            found += [
                Credit(conversion, model, number, touch, how, Fraction(part, 10**10), amount)
                for number, (touch, how, part, amount) in enumerate(
                    zip(path, reached_by, parts, money, strict=True), start=1
                )
                if weights[number - 1]
            ]
    return found


def weights_of(path: list[Event], conversion: Event) -> dict[str, list[int]]:
    count = len(path)
    named = [n for n, touch in enumerate(path) if origin(touch)[0] != "(direct)"]

    def only(chosen: int) -> list[int]:
        return [int(n == chosen) for n in range(count)]

    position = [1] * count
    if count > 2:
        position[0] = position[-1] = 2 * (count - 2)
    ages = [(moment(conversion) - moment(t)) / timedelta(days=7) for t in path]
    return {
        "first_touch": only(0),
        "last_touch": only(count - 1),
        "last_non_direct": only(named[-1] if named else count - 1),
        "linear": [1] * count,
        "position_based": position,
        "time_decay": [max(1, round(10**12 * 2.0**-age)) for age in ages],
    }


def apportion(total: int, weights: list[int]) -> list[int]:
    """`total` shared out by `weights`, whole and without a rest: the largest remainders get one."""
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    shares = [int(share) for share in exact]
    order = sorted(range(len(weights)), key=lambda n: (shares[n] - exact[n], n))
    for n in order[: total - sum(shares)]:
        shares[n] += 1
    return shares
