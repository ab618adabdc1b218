"""The numbers that dashboards count: the one list of them in this API.

The fields of answers, the sums in SQL and what is added up in Python are made from it.
"""

from dataclasses import dataclass
from typing import Any, LiteralString

from pydantic import BaseModel, Field, create_model


@dataclass(frozen=True, slots=True)
class Number:
    """One number: a column of the built days and of `intermediate.int_traffic` by this name.

    `adds_up`: over days and entities; else it is the size of a set of visitors.
    """

    name: LiteralString
    description: str
    example: int
    adds_up: bool = True


NUMBERS = (
    Number("views", "Times that somebody looked at an IP asset.", 1250),
    Number("clicks", "Downloads of an asset and clicks to license it.", 87),
    Number("conversions", "Licenses created.", 4),
    Number("revenue_cents", "Revenue of new and renewed licenses, in cents.", 519600),
    Number(
        "unique_visitors",
        "Different visitors with any event; each is counted once in the range and once in each"
        " point, so points do not add up to the total.",
        903,
        adds_up=False,
    ),
    Number("engagement_time", "Time that visitors were engaged, in milliseconds.", 4512000),
)
ADDITIVE: tuple[LiteralString, ...] = tuple(one.name for one in NUMBERS if one.adds_up)

# A sum that has no room in the answer's type is the highest that has.
SUMS: LiteralString = ",\n    ".join(
    [f"least(sum({name}), 9223372036854775807)::bigint as {name}" for name in ADDITIVE]
)


def fields_of_numbers(**names: str | None) -> type[BaseModel]:
    """A model with an integer for each number; `names` are the fields that are called otherwise, or
    left out where None."""
    fields: dict[str, Any] = {
        name: (int, Field(description=one.description, examples=[one.example]))
        for one in NUMBERS
        if (name := names.get(one.name, one.name)) is not None
    }
    return create_model("Numbers", **fields)


def fields_of_changes(description: str) -> type[BaseModel]:
    """A model with each number's relative change, or null."""
    field = Field(description=description, examples=[0.25])
    fields: dict[str, Any] = {one.name: (float | None, field) for one in NUMBERS}
    return create_model("Changes", **fields)
