"""Pseudonyms in the place of ids, a column at a time."""

import pyarrow as pa
import pyarrow.compute as pc

from eventmill.warehouse.pseudonyms import Pseudonyms


def pseudonymised(
    batch: pa.RecordBatch, columns: tuple[str, ...], pseudonyms: Pseudonyms
) -> pa.RecordBatch:
    """The batch with pseudonyms in `columns`; null stays null.

    Most events name their visitor twice: ids that are equal to those of the first of `columns`
    are not looked up again.
    """
    first: tuple[pa.Array, pa.Array] | None = None
    for name in columns:
        position = batch.schema.get_field_index(name)
        ids = batch.column(position)
        if first is None:
            made = _of_column(ids, pseudonyms)
            first = ids, made
        else:
            is_same = pc.fill_null(pc.equal(ids, first[0]), False)
            others = pc.if_else(is_same, pa.scalar(None, pa.string()), ids)
            made = pc.if_else(is_same, first[1], _of_column(others, pseudonyms))
        batch = batch.set_column(position, batch.schema.field(position), made)
    return batch


def _of_column(column: pa.Array, pseudonyms: Pseudonyms) -> pa.Array:
    encoded = column.dictionary_encode()
    made = [pseudonyms.of(id_) for id_ in encoded.dictionary.to_pylist()]
    return pa.array(made, pa.string()).take(encoded.indices)
