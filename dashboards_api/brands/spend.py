"""Spend beside what came of it. Money in another currency than the platform's is kept apart."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from dashboards_api.brands.queries import Spent
from dashboards_api.brands.schemas import Spend


@dataclass(slots=True)
class Costs:
    """`cents` is None while no spend in the platform's currency is known, which is not 0."""

    cents: int | None = None
    other: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, spent: Iterable[Spent]) -> "Costs":
        costs = cls()
        for one in spent:
            if one.is_other:
                costs.other[one.currency] += one.cents
            else:
                costs.cents = (costs.cents or 0) + one.cents
        return costs

    def beside(self, revenue_cents: int) -> Spend:
        """With what was earned."""
        return Spend(
            spend_cents=self.cents,
            other_spend=dict(sorted(self.other.items())),
            return_on_ad_spend=round(revenue_cents / self.cents, 4) if self.cents else None,
        )
