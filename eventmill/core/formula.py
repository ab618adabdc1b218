"""A metric that is made of others: `conversions / views`."""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

T = TypeVar("T")
OPERATORS: dict[type[ast.operator], tuple[str, Callable[[Decimal, Decimal], Decimal]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
}


@dataclass(frozen=True, slots=True)
class Formula:
    """Arithmetic on metrics and numbers: +, -, * and /. Raises ValueError for anything else."""

    text: str

    def __post_init__(self) -> None:
        self._walk(self.tree, lambda name: name, lambda _: "", lambda *_: "")

    @property
    def tree(self) -> ast.expr:
        try:
            return ast.parse(self.text, mode="eval").body
        except SyntaxError:
            raise ValueError(f"{self.text!r} is no formula of metrics") from None

    @property
    def names(self) -> list[str]:
        """The metrics in it, each once."""
        return [*dict.fromkeys(n.id for n in ast.walk(self.tree) if isinstance(n, ast.Name))]

    def value(self, row: Mapping[str, int | Decimal | None]) -> Decimal | None:
        """What it is for a row's metrics; None for a quotient by 0 and where a metric is None."""

        def metric(name: str) -> Decimal | None:
            found = row[name]
            return None if found is None else Decimal(found)

        def applied(op: ast.operator, one: Decimal | None, other: Decimal | None) -> Decimal | None:
            if one is None or other is None or (isinstance(op, ast.Div) and not other):
                return None
            return OPERATORS[type(op)][1](one, other)

        return self._walk(self.tree, metric, lambda number: Decimal(str(number)), applied)

    def sql(self, columns: Mapping[str, str]) -> str:
        """The same in SQL, over numeric columns; names that need no quotes."""

        def applied(op: ast.operator, one: str, other: str) -> str:
            divisor = f"nullif({other}, 0)" if isinstance(op, ast.Div) else other
            return f"({one} {OPERATORS[type(op)][0]} {divisor})"

        return self._walk(
            self.tree, lambda name: f"{columns[name]}::numeric", lambda n: f"{n}::numeric", applied
        )

    def _walk(
        self,
        node: ast.expr,
        metric: Callable[[str], T],
        number: Callable[[int | float], T],
        applied: Callable[[ast.operator, T, T], T],
    ) -> T:
        match node:
            case ast.Name(id=name):
                return metric(name)
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return number(value)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                one = self._walk(left, metric, number, applied)
                return applied(op, one, self._walk(right, metric, number, applied))
        raise ValueError(f"{self.text!r}: a formula is made of metrics, numbers, +, -, *, / and ()")
