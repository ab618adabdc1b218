"""Spend beside what came of it. Money in another currency than the platform's is kept apart."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from dashboards_api.brands.queries import Spent
from dashboards_api.metrics.tally import Tally


def costs(spent: Sequence[Spent], tally: Tally) -> dict[str, Any]:
    """The fields of `Spend`. No spend in the platform's currency is null, which is not 0."""
    own = [one.cents for one in spent if not one.is_other]
    other: Counter[str] = Counter()
    for one in spent:
        if one.is_other:
            other[one.currency] += one.cents
    cents = sum(own) if own else None
    return {
        "spend_cents": cents,
        "other_spend": dict(sorted(other.items())),
        "return_on_ad_spend": round(tally["revenue_cents"] / cents, 4) if cents else None,
    }
