"""Two worlds that have nothing to do with each other: a creator, a brand and what they did.

Every id and every text of a world has its word in it, and each world's revenue is of a size of its
own, so whatever of one is in an answer to the other can be recognised.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import psycopg

from eventmill.core.days import utc_today
from eventmill.core.tokens import Caller
from tests.dashboards_api.conftest import dbt
from tests.dashboards_api.support import CHROME, Event, at, insert
from tests.enrichment import store_referrers, store_user_agents

# Days before today with events; the first two are built.
AGES = (4, 3, 1, 0)
BUILT = (4, 3)


@dataclass(frozen=True)
class World:
    word: str
    revenue_cents: int
    """Of one license; the other world's sums never come near."""

    @property
    def creator(self) -> Caller:
        return Caller(f"creator-{self.word}", "creator")

    @property
    def brand(self) -> Caller:
        return Caller(f"user-{self.word}", "brand", f"brand-{self.word}")

    @property
    def assets(self) -> tuple[str, str]:
        return (f"asset-{self.word}", f"asset/of {self.word}")

    @property
    def project(self) -> str:
        return f"project-{self.word}"

    @property
    def license(self) -> str:
        return f"license-{self.word}"

    @property
    def visitor(self) -> str:
        return f"visitor-{self.word}"

    @property
    def names(self) -> list[str]:
        """What a stranger may have heard of."""
        return [
            *self.assets, self.project, self.license, self.visitor, self.creator.sub,
            str(self.brand.brand_id), f"campaign-{self.word}",
        ]  # fmt: skip

    def events(self, today: date) -> list[Event]:
        found = []
        for age in AGES:
            day = today - timedelta(days=age)
            for asset in self.assets:
                found += self._of_asset(day, asset, is_first=age == AGES[0])
        return found

    def _of_asset(self, day: date, asset: str, *, is_first: bool) -> list[Event]:
        creator = {"actor_type": "creator", "actor_id": self.creator.sub}
        brand = {"actor_type": "brand", "actor_id": self.brand.brand_id}
        of_project = {"project_id": self.project, "brand_id": self.brand.brand_id}
        of_license = {**of_project, "license_id": f"{self.license}-{asset[-3:]}"}
        began = [
            self._event("asset_uploaded", day, asset, **creator, creator_id=self.creator.sub),
            self._event("project_created", day, None, **brand, **of_project),
        ]
        return [
            *(began if is_first else []),
            self._event("asset_viewed", day, asset, hour=2),
            self._event("asset_viewed", day, asset, hour=3, **of_project),
            self._event("license_clicked", day, asset, hour=4, **of_project),
            self._event(
                "license_created", day, asset, hour=5, **brand, **of_license,
                props_json={"revenue_cents": self.revenue_cents, "title": f"license {self.word}"},
            ),
        ]  # fmt: skip

    def _event(
        self, event_type: str, day: date, asset: str | None, hour: float = 1, **columns: object
    ) -> Event:
        return Event(
            event_type=event_type,
            occurred_at=at(day, hour / 1000),
            visitor_id=self.visitor,
            anonymous_id=self.visitor,
            ip_asset_id=asset,
            user_agent=CHROME,
            referrer=f"https://{self.word}.example/",
            page_url=f"https://{self.word}.example/page",
            utm_source=self.word,
            utm_medium="email",
            utm_campaign=f"campaign-{self.word}",
            **columns,  # type: ignore[arg-type]
        )


SMALL = World("walrus", revenue_cents=1_000)
LARGE = World("kestrel", revenue_cents=10**12)
WORLDS = (SMALL, LARGE)
ADMIN = Caller("root", "admin")


def seed(connection: psycopg.Connection) -> None:
    """Both worlds' events, some days of them built."""
    today = utc_today()
    for world in WORLDS:
        insert(connection, *world.events(today))
    store_user_agents(connection, [CHROME])
    store_referrers(connection, [f"{world.word}.example" for world in WORLDS])
    connection.execute("insert into enrichment.platform_currency (currency) values ('USD')")
    first, end = (today - timedelta(days=age) for age in (BUILT[0], BUILT[-1] - 1))
    dbt(
        "build", "--exclude-resource-type", "test", "unit_test",
        "--event-time-start", str(first), "--event-time-end", str(end),
    )  # fmt: skip


def other_than(world: World) -> World:
    return LARGE if world is SMALL else SMALL
