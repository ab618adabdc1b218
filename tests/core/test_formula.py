"""A formula of metrics, in Python and as SQL."""

from decimal import Decimal

import pytest

from eventmill.core.formula import Formula


def test_a_formula_is_worked_out() -> None:
    formula = Formula("(revenue - refunds) / visitors * 100")
    assert set(formula.names) == {"revenue", "refunds", "visitors"}
    row = {"revenue": 10, "refunds": Decimal("2.5"), "visitors": 3}
    assert formula.value(row) == Decimal("7.5") / 3 * 100
    columns = {"revenue": "m0", "refunds": "m1", "visitors": "m2"}
    assert formula.sql(columns) == (
        "(((m0::numeric - m1::numeric) / nullif(m2::numeric, 0)) * 100::numeric)"
    )


def test_a_quotient_by_nothing_is_none() -> None:
    assert Formula("a / b").value({"a": 1, "b": 0}) is None
    assert Formula("1 + a / b").value({"a": 1, "b": 0}) is None
    assert Formula("a / b").value({"a": None, "b": 2}) is None


@pytest.mark.parametrize(
    "text",
    ["", "a +", "f(a)", "a.b", "a ** 2", "a if b else c", "True", "'a'", "a < b", "a; b", "-a"],
)
def test_only_arithmetic_is_a_formula(text: str) -> None:
    with pytest.raises(ValueError, match="formula"):
        Formula(text)
