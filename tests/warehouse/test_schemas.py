"""Versions of schemas, pseudonyms, and where a warehouse may be."""

import hashlib
import hmac
from dataclasses import replace
from pathlib import Path

import pytest

from eventmill.errors import ConfigurationError
from eventmill.warehouse import Column, open_root
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


def test_a_pseudonym_is_the_hmac_of_the_id() -> None:
    key = b"a key of a destination"
    expected = hmac.new(key, "Zoë".encode(), hashlib.sha256).hexdigest()[:32]
    assert Pseudonyms(key).of("Zoë") == expected


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
        from eventmill.warehouse.bucket import access_of

        assert access_of("gs://b-1/x").endpoint == "https://storage.googleapis.com"
        assert access_of("s3://b-1/x").endpoint is None


def test_a_relative_folder_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'warehouse' is no place"):
        open_root("warehouse")
