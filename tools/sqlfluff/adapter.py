"""dbt's `adapter` for sqlfluff, which lints the SQL of PostgreSQL: see .sqlfluff."""

from collections.abc import Callable
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context


@pass_context
def dispatch(context: Context, name: str, package: str | None = None) -> Callable[..., Any]:
    """The macro `name` as PostgreSQL has it."""
    macro: Callable[..., Any] = context[f"postgres__{name}"]
    return macro
