"""What the dashboards' benchmark asks: calls of each kind, and who asks them."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jwt

from bench.generate import ASSETS
from bench.marketplace import BRANDS, CREATORS, eventmill
from eventmill.core.days import DayWindow

WINDOW = DayWindow(date(2025, 1, 1), date(2025, 3, 31))


@dataclass(frozen=True)
class Question:
    path: str
    role: str
    subject: str
    body: dict[str, Any] | None = None


@dataclass(frozen=True)
class Kind:
    """A call of the contract: its route, what it promises cold, and questions of it."""

    name: str
    route: str
    target: int | None
    questions: Callable[[random.Random], list[Question]]


def days_of(days: int = len(WINDOW), **more: str) -> str:
    first = WINDOW.last.toordinal() - days + 1
    named = {"start": date.fromordinal(first).isoformat(), "end": WINDOW.last.isoformat()}
    return urlencode({**named, **more})


def zipf(dice: random.Random) -> int:
    """An asset as often as the generator gives it events."""
    return int(ASSETS ** dice.random())


def asset_question(number: int, days: int = len(WINDOW)) -> Question:
    path = f"/v1/assets/asset_{number}/metrics?{days_of(days)}"
    return Question(path, "creator", f"creator_{number % CREATORS}")


def creator_question(number: int, days: int = len(WINDOW)) -> Question:
    creator = f"creator_{number % CREATORS}"
    return Question(f"/v1/creators/{creator}/dashboard?{days_of(days)}", "creator", creator)


def brand_question(number: int, days: int = len(WINDOW)) -> Question:
    brand = f"brand_{number % BRANDS}"
    return Question(f"/v1/brands/{brand}/campaigns?{days_of(days)}", "brand", brand)


def platform_question(call: str, days: int = len(WINDOW), **more: str) -> Question:
    return Question(f"/v1/platform/{call}?{days_of(days, **more)}", "admin", "root")


def query_question(role: str, subject: str, *dimensions: str) -> Question:
    asked = {
        "metrics": ["views", "conversions", "unique_visitors"],
        "dimensions": list(dimensions),
        "date_range": {"start": WINDOW.first.isoformat(), "end": WINDOW.last.isoformat()},
        "limit": 100,
    }
    return Question("/v1/query", role, subject, asked)


def events_question(number: int) -> Question:
    path = f"/v1/entities/ip_asset/{quote(f'asset_{number}')}/events"
    return Question(path, "creator", f"creator_{number % CREATORS}")


KINDS = (
    Kind("asset metrics", "/v1/assets/{asset_id}/metrics", 10, lambda dice: [
        asset_question(number) for number in [*range(1, 51), *dice.sample(range(51, ASSETS), 150)]
    ]),
    Kind("creator, 100 assets", "/v1/creators/{creator_id}/dashboard", 60, lambda _: [
        creator_question(number) for number in range(60)
    ]),
    Kind("brand", "/v1/brands/{brand_id}/campaigns", 60, lambda _: [
        brand_question(number) for number in range(60)
    ]),
    Kind("platform metrics", "/v1/platform/metrics", 100, lambda _: [
        platform_question("metrics", interval=interval)
        for interval in ("day", "week", "month") * 10
    ]),
    Kind("platform summary", "/v1/platform/summary", 100, lambda _: [
        platform_question("summary", days) for days in range(90, 60, -1)
    ]),
    Kind("query", "/v1/query", 250, lambda dice: [
        query_question("admin", "root", *dimensions)
        for dimensions in (["date"], ["channel"], ["country"], ["device", "browser"], ["campaign"])
    ] * 2 + [
        question
        for number in dice.sample(range(BRANDS), 8)
        for question in (
            query_question("creator", f"creator_{number}", "date"),
            query_question("creator", f"creator_{number}", "asset", "channel"),
            query_question("brand", f"brand_{number}", "project"),
        )
    ]),
    Kind("entity events", "/v1/entities/{type}/{id}/events", None, lambda dice: [
        events_question(zipf(dice)) for _ in range(100)
    ]),
)  # fmt: skip


def dashboards_of(dice: random.Random, kinds: set[str]) -> list[Question]:
    """What one person looks at: their own page, and assets by how popular these are."""
    number, days = zipf(dice), dice.choice((30, 30, 30, 90))
    draw = dice.random()
    if draw < 0.70:
        own = [creator_question(number, days)] if "creator, 100 assets" in kinds else []
        # Other popular assets of the same creator.
        others = [number % CREATORS + CREATORS * int(zipf(dice) / CREATORS) for _ in range(2)]
        return own + [asset_question(n, days) for n in dict.fromkeys([number, *others]) if n]
    if draw < 0.90 and "brand" in kinds:
        return [brand_question(number), brand_question(number, 30)]
    names = [name for name in ("metrics", "summary") if f"platform {name}" in kinds]
    return [platform_question(name, days) for name in names]


class Tokens:
    """A token for each caller, signed here as any service does that has the secret: the command
    would be a process for each."""

    def __init__(self, home: str) -> None:
        eventmill(home, "token", "--role", "admin", "--sub", "root")  # makes the secret
        self._secret = (Path(home) / "secrets" / "jwt_secret").read_text()
        self._found: dict[tuple[str, str], str] = {}

    def of(self, question: Question) -> str:
        key = (question.role, question.subject)
        if key not in self._found:
            claims = {"sub": question.subject, "role": question.role, "exp": time.time() + 86400}
            if question.role == "brand":
                claims["brand_id"] = question.subject
            claims |= {"aud": "eventmill", "iss": "eventmill"}
            self._found[key] = jwt.encode(claims, self._secret, algorithm="HS256")
        return self._found[key]
