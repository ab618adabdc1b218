"""What the platform's summary is made of.

Of each kind: `active` are those with a counted event in the range (licenses: valid on a day of
it), `new` those that came to be in it, and `total` those that came to be by its end, with those
active in it: what was there before the events began is not forgotten while it is active.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date
from typing import Any, TypeVar

from psycopg import AsyncConnection
from pydantic import BaseModel

from dashboards_api.database import Pool
from dashboards_api.licenses import count_licenses
from dashboards_api.metrics.classification import Read, read_classified
from dashboards_api.metrics.queries import moment
from dashboards_api.metrics.schemas import AnsweredRange
from dashboards_api.metrics.scopes import PLATFORM
from dashboards_api.metrics.service import cover
from dashboards_api.metrics.sets import NumberSet, distinct_hashes
from dashboards_api.platform.service import growth_of
from dashboards_api.platform.summary import queries
from dashboards_api.platform.summary.queries import Days
from dashboards_api.platform.summary.schemas import (
    Counts,
    PlatformSummary,
    PreviousSummary,
    SummaryNumbers,
)
from dashboards_api.ranges import MetricsRange
from eventmill.core.days import DayWindow, stretches

Members = TypeVar("Members")


async def platform_summary(pool: Pool, asked: MetricsRange) -> PlatformSummary:
    """Everything over `asked`, and against as many days right before."""
    before = asked.previous()
    both = DayWindow(before.first, asked.days.last)

    async def read(connection: AsyncConnection) -> Read[PlatformSummary]:
        now = await moment(connection)
        with_events = await queries.days_with_events(connection, both.last)
        all_days = DayWindow(min([both.first, *with_events[:1]]), both.last)
        has_builds = now.has_builds and await queries.is_built(connection)
        with_sets = await queries.days_with_sets(connection, all_days) if has_builds else set()
        coverage = (await cover(connection, all_days, now)).narrowed(all_days, with_sets)
        unbuilt = {day for window in coverage.live for day in window}.intersection(with_events)
        live = stretches(day for day in unbuilt if day >= both.first)
        older = stretches(day for day in unbuilt if day < both.first)
        days = await queries.read_days(connection, both, live, older, has_builds)
        # The sets are united while the database counts licenses, and keep nobody else waiting.
        sets, (licenses, licenses_before) = await asyncio.gather(
            asyncio.to_thread(lambda: [_members(period, days) for period in (asked.days, before)]),
            count_licenses(connection, [asked.days, before]),
        )
        numbers = SummaryNumbers(**sets[0], licenses=asdict(licenses))
        previous = SummaryNumbers(**sets[1], licenses=asdict(licenses_before))
        answer = PlatformSummary(
            **dict(numbers),
            range=AnsweredRange.of(asked),
            growth=_growth(numbers, previous),
            meta=coverage.narrowed(asked.days, with_sets).meta(),
        )
        if asked.compare:
            answer.previous = PreviousSummary(**dict(previous), start=before.first, end=before.last)
        return Read(answer, PLATFORM, live if days.unclassified else [])

    return await read_classified(pool, read)


def _members(period: DayWindow, days: Days) -> dict[str, Any]:
    """All numbers of `period` but its licenses."""
    return {
        "users": _people(period, days.users, days.known_users),
        "creators": _people(period, days.creators, days.known_creators),
        "brands": _brands(period, days),
        "assets": _assets(period, days),
        "revenue_cents": sum(_within(period, days.revenue_cents)),
    }


def _people(period: DayWindow, active: dict[date, bytes], known: dict[date, bytes]) -> Counts:
    acting = NumberSet.of(_within(period, active))
    count = len(acting)
    acting.add(b"".join(_until(period, known)))
    new = NumberSet.of(_within(period, known))
    return Counts(active=count, new=len(new), total=len(acting))


def _brands(period: DayWindow, days: Days) -> Counts:
    active = {brand for brands in _within(period, days.brands) for brand in brands}
    known = {brand for brands in _until(period, days.known_brands) for brand in brands}
    new = sum(len(brands) for brands in _within(period, days.known_brands))
    return Counts(active=len(active), new=new, total=len(active | known))


def _assets(period: DayWindow, days: Days) -> Counts:
    active = distinct_hashes(_within(period, days.assets))
    known = distinct_hashes(_until(period, days.known_assets))
    new = distinct_hashes(_within(period, days.known_assets))
    total = len(known) + int((~active.is_in(known.implode())).sum())
    return Counts(active=len(active), new=len(new), total=total)


def _within(period: DayWindow, days: Mapping[date, Members]) -> Iterable[Members]:
    return (value for day, value in days.items() if period.first <= day <= period.last)


def _until(period: DayWindow, days: Mapping[date, Members]) -> Iterable[Members]:
    return (value for day, value in days.items() if day <= period.last)


def _growth(now: BaseModel, before: BaseModel) -> dict[str, Any]:
    """The relative change of each number of `now`, at the same places."""
    pairs = ((name, value, getattr(before, name)) for name, value in now)
    return {
        name: _growth(value, then) if isinstance(value, BaseModel) else growth_of(value, then)
        for name, value, then in pairs
    }
