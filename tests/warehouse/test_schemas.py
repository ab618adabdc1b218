"""Versions of schemas, pseudonyms, and where a warehouse may be."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventmill.core.errors import ConfigurationError
from eventmill.warehouse import Column, open_root
from eventmill.warehouse.pseudonymising import pseudonymised
from eventmill.warehouse.pseudonyms import Pseudonyms, pseudonyms_for, pseudonyms_of
from eventmill.warehouse.schemas import next_version
from eventmill.warehouse.types import kind_of
from tests.support import environment

VIEWS = Column("views", "int64", "Views.")
NAME = Column("name", "string", None)


def test_added_columns_keep_the_version_and_all_else_raises_it(tmp_path: Path) -> None:
    root = open_root(str(tmp_path))
    (tmp_path / "events").mkdir()
    steps = [
        ([VIEWS], 1),
        ([VIEWS, NAME], 1),
        ([NAME, replace(VIEWS, comment="Other words.")], 1),
        ([NAME, replace(VIEWS, type="decimal(12, 2)")], 2),
        ([NAME], 3),
        ([NAME], 3),
        ([replace(NAME, is_pseudonym=True)], 4),
    ]
    for schema, version in steps:
        assert next_version(root, "events", schema) == version


IDS = st.none() | st.sampled_from(["ann", "Zoë", ""]) | st.text(max_size=80)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(IDS, IDS, st.booleans()), max_size=20))
def test_pseudonyms_are_keyed_hashes_of_the_ids(
    rows: list[tuple[str | None, str | None, bool]],
) -> None:
    pseudonyms = Pseudonyms(b"a key of a destination")
    names = ["visitor_id", "user_id", "kept"]
    given_ = pa.RecordBatch.from_pylist(
        [dict(zip(names, row, strict=True)) for row in rows],
        pa.schema([("visitor_id", pa.string()), ("user_id", pa.string()), ("kept", pa.bool_())]),
    )

    def expected(id_: str | None) -> str | None:
        if id_ is None:
            return None
        return hashlib.sha256(pseudonyms.key + id_.encode()).hexdigest()[:32]

    [made] = pseudonymised((batch for batch in [given_]), names[:2], pseudonyms)
    assert [tuple(row.values()) for row in made.to_pylist()] == [
        (expected(visitor), expected(user), kept) for visitor, user, kept in rows
    ]
    assert [pseudonyms.of(row[0]) for row in rows if row[0] is not None] == [
        expected(row[0]) for row in rows if row[0] is not None
    ]
    assert made.schema == given_.schema


def test_each_destination_has_pseudonyms_of_its_own(home: Path) -> None:
    one, other = pseudonyms_of("/one"), pseudonyms_of("/other")
    assert one.of("ann") != other.of("ann")
    assert one.of("ann") == pseudonyms_of("/one").of("ann")
    assert one.key_id != other.key_id
    with environment(EVENTMILL_WAREHOUSE_KEY="k" * 32):
        assert pseudonyms_of("/one").of("ann") == pseudonyms_of("/other").of("ann")
    with environment(EVENTMILL_WAREHOUSE_PSEUDONYMISE="no"):
        assert pseudonyms_for("/one") is None


def test_a_type_without_a_place_in_the_files_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"marts.sessions.path is point"):
        kind_of("marts.sessions.path", "point")


def test_a_bucket_of_googles_needs_keys(home: Path) -> None:
    with pytest.raises(ConfigurationError, match="gs://b-1/x needs HMAC keys"):
        open_root("gs://b-1/x")
    with (
        environment(
            EVENTMILL_WAREHOUSE_S3_ACCESS_KEY_ID="GOOG1",
            EVENTMILL_WAREHOUSE_S3_SECRET_ACCESS_KEY="secret",
        ),
    ):
        links = [
            open_root(f"{url}/x").link("a", 60) for url in ("gs://b-1", "s3://b-1", "s3://b.1")
        ]
    assert [link.partition("?")[0] for link in links if link] == [
        "https://storage.googleapis.com/b-1/x/a",
        "https://b-1.s3.us-east-1.amazonaws.com/x/a",
        # A certificate of `*.s3.….amazonaws.com` does not hold for a name with dots.
        "https://s3.us-east-1.amazonaws.com/b.1/x/a",
    ]


def test_a_relative_folder_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'warehouse' is no place"):
        open_root("warehouse")
