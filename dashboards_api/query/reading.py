"""Turns a query's body into a question, or an error that names the mistake and the valid names."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from dashboards_api.query.catalog import TIME_DIMENSIONS, Catalog, Dataset
from dashboards_api.query.question import Condition, Named, Part, Question
from dashboards_api.query.schemas import MAX_VALUES, Filter, Operator, QueryRequest
from dashboards_api.ranges import DateRange, iso_date, resolve_days
from eventmill.core.days import DayWindow
from eventmill.core.errors import FieldError, InvalidFields
from eventmill.core.suggestions import closest

# A name comes from the caller; an error that repeats it stays readable.
NAME_LENGTH = 100


class _Reader:
    """Collects every mistake of a body, so that they are all answered at once."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.errors: list[FieldError] = []
        self.datasets: list[Dataset] = []

    def wrong(self, field: str, message: str) -> None:
        self.errors.append(FieldError(field, message))

    def metrics(self, names: Sequence[str]) -> list[Named]:
        return self._each("metrics", names, self._metric)

    def dimensions(self, names: Sequence[str]) -> list[Named]:
        return self._each("dimensions", names, self.dimension)

    def _each(
        self, kind: str, names: Sequence[str], find: Callable[[str, str], str | None]
    ) -> list[Named]:
        found: list[Named] = []
        for number, asked in enumerate(names):
            field = f"{kind}.{number}"
            if (name := find(field, asked)) is None:
                continue
            if name in [one.name for one in found]:
                self.wrong(field, f"{_shown(asked)} is asked for twice")
            else:
                found.append(Named(asked, name))
        return found

    def _metric(self, field: str, asked: str) -> str | None:
        if (dataset := self.catalog.metrics.get(asked)) is None:
            self.wrong(field, self._unknown("metric", asked, self.catalog.metrics))
            return None
        for name in (asked, *dataset.metrics[asked].formula_names):
            if (owner := self.catalog.metrics[name]) not in self.datasets:
                self.datasets.append(owner)
        return asked

    def dimension(self, field: str, asked: str) -> str | None:
        """The dimension's own name, if every dataset of the question has it."""
        names = self.catalog.dimensions()
        datasets = (*self.datasets, *self.catalog.datasets.values())
        name = asked if asked in names else _first(d.alias(asked) for d in datasets)
        lacking = next((d for d in self.datasets if name not in d.dimensions), None)
        shared = [n for n in names if all(n in d.dimensions for d in self.datasets)]
        if name is None:
            self.wrong(field, self._unknown("dimension", asked, shared))
        elif lacking is None:
            return name
        else:
            self.wrong(
                field,
                f"{_shown(asked)} is no dimension of {lacking.name} ({', '.join(lacking.metrics)});"
                f" of what the query asks for there are: {', '.join(shared)}",
            )
        return None

    def conditions(self, filters: Sequence[Filter]) -> list[Condition]:
        found = []
        for number, one in enumerate(filters):
            field = f"filters.{number}"
            if one.field in self.catalog.metrics:
                self.wrong(
                    f"{field}.field", f"{_shown(one.field)} is a metric: filter by dimensions"
                )
                continue
            if (name := self.dimension(f"{field}.field", one.field)) is None:
                continue
            if (condition := self._condition(field, name, one)) is not None:
                found.append(condition)
        return found

    def _condition(self, field: str, name: str, one: Filter) -> Condition | None:
        is_list = isinstance(one.value, list)
        op: Operator = one.op or ("in" if is_list else "is")
        if is_list != (op in ("in", "not_in")):
            needs = "a list of values" if op in ("in", "not_in") else "one value, not a list"
            self.wrong(f"{field}.value", f"`{op}` needs {needs}")
            return None
        values = one.value if isinstance(one.value, list) else [one.value]
        if not 1 <= len(values) <= MAX_VALUES:
            self.wrong(f"{field}.value", f"give 1 to {MAX_VALUES} values")
            return None
        is_time = name in TIME_DIMENSIONS
        if op == "contains" and (is_time or not isinstance(one.value, str)):
            self.wrong(f"{field}.op", "`contains` looks for a text in a text, not in dates")
            return None
        try:
            read = tuple(_day(value) if is_time else _text(value) for value in values)
        except ValueError as error:
            self.wrong(f"{field}.value", str(error))
            return None
        return Condition(name, op, read)

    def _unknown(self, kind: str, asked: str, known: Iterable[str]) -> str:
        known = list(known)
        hint = _hint(asked.lower(), known)
        other = "dimension" if kind == "metric" else "metric"
        if asked in (self.catalog.dimensions() if kind == "metric" else self.catalog.metrics):
            hint = f"It is a {other}: name it in `{other}s`. "
        return f"there is no {kind} {_shown(asked)}. {hint}There are: {', '.join(known)}"


def read_question(catalog: Catalog, body: QueryRequest, today: date) -> Question:
    """Raises InvalidFields with every mistake of the body."""
    reader = _Reader(catalog)
    metrics = reader.metrics(body.metrics)
    dimensions = reader.dimensions(body.dimensions)
    conditions = reader.conditions(body.filters)
    order = _order(reader, body, metrics, dimensions)
    model = _model(reader, body.attribution_model)
    days = _days(reader, body.date_range, today)
    if reader.errors or days is None:
        raise InvalidFields(reader.errors)
    known = {name: metric for data in reader.datasets for name, metric in data.metrics.items()}
    formulas = [metric for m in metrics if (metric := known[m.name]).formula]
    inputs = {name: Named(name, name) for one in formulas for name in one.formula_names}
    asked = {m.name: m for m in metrics if not known[m.name].formula}
    counted = tuple({**inputs, **asked}.values())
    return Question(
        parts=tuple(
            Part(data, tuple(data.metrics[m.name] for m in counted if m.name in data.metrics))
            for data in reader.datasets
        ),
        counted=counted,
        formulas=tuple(formulas),
        metrics=tuple(metrics),
        dimensions=tuple(dimensions),
        conditions=tuple(conditions),
        days=days,
        order=tuple(order),
        limit=body.limit,
        offset=body.offset,
        model=model,
    )


def _days(reader: _Reader, asked: DateRange, today: date) -> DayWindow | None:
    try:
        return resolve_days(asked, today)
    except InvalidFields as error:
        for one in error.errors:
            reader.wrong(f"date_range.{one.field}", one.message)
        return None


def _model(reader: _Reader, asked: str | None) -> str | None:
    """The model of attribution of this question, if any of its datasets has one."""
    models = [dataset.models for dataset in reader.datasets if dataset.models]
    known = models or list(reader.catalog.models())
    if asked is not None and not any(asked in one.names for one in known):
        names = [name for one in known for name in one.names]
        reader.wrong(
            "attribution_model", f"there is no model {_shown(asked)}. There are: {', '.join(names)}"
        )
        return None
    return (asked or models[0].default) if models else None


def _order(
    reader: _Reader, body: QueryRequest, metrics: list[Named], dimensions: list[Named]
) -> list[tuple[str, bool]]:
    """Names and whether each descends, the dimensions last so that no two rows are equal."""
    asked = {one.asked: one.name for one in (*metrics, *dimensions)}
    found: list[tuple[str, bool]] = []
    for number, one in enumerate(body.order_by):
        aliases = (dataset.alias(one.field) for dataset in reader.datasets)
        name = asked.get(one.field) or _first(aliases) or one.field
        if name not in asked.values():
            reader.wrong(
                f"order_by.{number}.field",
                f"the query does not ask for {_shown(one.field)}. {_hint(one.field, asked)}To sort"
                f" by there are: {', '.join(asked)}",
            )
        elif name not in [known for known, _ in found]:
            found.append((name, one.direction == "desc"))
    if not body.order_by:
        times = [one.name for one in dimensions if one.name in TIME_DIMENSIONS]
        found += [(name, False) for name in times]
        found += [(metrics[0].name, True)] if metrics else []
    given = [name for name, _ in found]
    return found + [(one.name, False) for one in dimensions if one.name not in given]


def _day(value: object) -> date | None:
    if value is None:
        return None
    try:
        return iso_date(value)
    except ValueError:
        raise ValueError("compare dates with a date of the calendar, YYYY-MM-DD") from None


def _text(value: object) -> str | None:
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError("compare with a text or null")


def _first(names: Iterable[str | None]) -> str | None:
    return next((name for name in names if name is not None), None)


def _hint(asked: str, known: Iterable[str]) -> str:
    close = closest(asked[:NAME_LENGTH], frozenset(known))
    return f"Did you mean {close!r}? " if close else ""


def _shown(name: str) -> str:
    """A name as an error repeats it: in one line and, whatever it is, printable."""
    return repr(name[:NAME_LENGTH])
