"""A question to the warehouse, by DuckDB over its files; no server is needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import duckdb

from eventmill.core.errors import InvalidRequest
from eventmill.warehouse.catalog import catalog_path, let_read, write_catalog
from eventmill.warehouse.root import Root

BATCH_ROWS = 10_000


class Answer(NamedTuple):
    """Names of the columns, and the rows, which are read while they are asked for."""

    columns: list[str]
    rows: Iterator[tuple[Any, ...]]


@contextmanager
def ask(root: Root, query: str) -> Iterator[Answer]:
    """The answer to a query in DuckDB's SQL. Raises InvalidRequest with what DuckDB says of it."""
    if not catalog_path().exists():
        write_catalog(root)
    with duckdb.connect(str(catalog_path()), read_only=True) as engine:
        engine.execute("set timezone = 'UTC'")
        let_read(engine, root)
        try:
            relation = engine.sql(query)
            if relation is None:
                raise InvalidRequest("that is no question: ask with `select …`")
            reader = relation.to_arrow_reader(BATCH_ROWS)
            names = list(reader.schema.names)
            yield Answer(
                names,
                (
                    row
                    for batch in reader
                    for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
                ),
            )
        except duckdb.Error as error:
            raise InvalidRequest(str(error).strip()) from None
