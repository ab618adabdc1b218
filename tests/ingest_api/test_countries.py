"""The country of an address, by the packaged file or by another."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import maxminddb
import psycopg
import pytest

from eventmill.core.errors import ConfigurationError
from ingest_api.countries import PACKAGED, Countries, _code
from tests.ingest_api.support import event, served
from tests.support import PROJECT_ROOT, environment, rows


@pytest.fixture(scope="module")
def countries() -> Countries:
    return Countries(PACKAGED)


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("193.99.144.80", "DE"),
        ("133.11.0.1", "JP"),
        ("200.147.3.1", "BR"),
        ("51.15.0.1", "NL"),  # registered in France
        ("2600::", "US"),
        ("2a02:8109::1", "DE"),
        ("::ffff:193.99.144.80", "DE"),
        ("127.0.0.1", ""),
        ("10.1.2.3", ""),
        ("203.0.113.7", ""),
        ("::1", ""),
        ("fe80::1%eth0", ""),
        ("", ""),
        ("nonsense", ""),
        ("1.2.3", ""),
        ("\0", ""),
    ],
)
def test_countries(countries: Countries, address: str, country: str) -> None:
    assert countries.of(address) == country


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"country": {"iso_code": "FR"}, "registered_country": {"iso_code": "DE"}}, "FR"),
        ({"registered_country": {"iso_code": "DE"}}, "DE"),
        ({"country": "NL"}, "NL"),
        ({"country_code": "SE"}, "SE"),
        ({"continent": {"code": "EU"}}, ""),
        (None, ""),
        ("DE", ""),
    ],
)
def test_layouts_of_records(record: object, code: str) -> None:
    assert _code(record) == code


def test_a_file_that_cannot_be_read_names_the_setting(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(gzip.compress(b"no database"))
    for path in (broken, tmp_path / "missing.mmdb", tmp_path):
        with (
            environment(EVENTMILL_GEOIP_DB=str(path)),
            pytest.raises(ConfigurationError, match="EVENTMILL_GEOIP_DB"),
        ):
            Countries()


def test_the_country_is_stored_with_the_event(
    database: str, connection: psycopg.Connection
) -> None:
    with environment(EVENTMILL_RETENTION_DAYS="0"), served() as api:
        for address in ("193.99.144.80", "2600::", "10.0.0.1"):
            answer = api.post("/v1/events", json=event(), headers={"X-Forwarded-For": address})
            assert answer.status_code == 200
    found = rows(connection, "select country from raw.events order by received_at")
    assert found == [("DE",), ("US",), (None,)]


def test_the_packaged_file_is_recent_and_comes_with_its_licence() -> None:
    with maxminddb.open_database(PACKAGED) as reader:
        assert datetime.fromtimestamp(reader.metadata().build_epoch, UTC).year >= 2026
    folder = PACKAGED.parent
    assert "DB-IP.com" in (folder / "LICENSE-countries").read_text()
    readme = (folder / "README.md").read_text()
    assert "Creative Commons Attribution 4.0" in readme
    link = "[IP Geolocation by DB-IP](https://db-ip.com)"
    assert link in readme
    assert link in (PROJECT_ROOT / "docs" / "explanation" / "privacy.md").read_text()
