"""Looks up the country of an address in a local file, without any request over the network.

The packaged file is DB-IP's (data/README.md has its source and its licence). `EVENTMILL_GEOIP_DB`
names a newer or a better one in MaxMind's format, such as GeoLite2-Country or GeoIP2-City. The file
is mapped into memory, so worker processes share it.
"""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import maxminddb

from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import get_settings

PACKAGED = Path(__file__).with_name("data") / "countries.mmdb"

_CODE = re.compile(r"[A-Z]{2}")
# Codes that ISO 3166-1 leaves to users (ZZ is "unknown"), and EU and AP, which are no countries.
_NO_COUNTRY = re.compile(r"AA|AP|EU|Q[M-Z]|X[A-JL-Z]|ZZ")


class Countries:
    """Looks countries up. Raises ConfigurationError if the file cannot be read."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or get_settings().geoip_db or PACKAGED
        try:
            self._reader = maxminddb.open_database(self._path)
        except (OSError, maxminddb.InvalidDatabaseError) as error:
            raise ConfigurationError(
                f"cannot read {self._path} ({error}): set EVENTMILL_GEOIP_DB to a MaxMind file"
            ) from None
        # The events of one request share an address. No more than one is ever remembered.
        self._last = ("", "")

    def of(self, address: str) -> str:
        """ISO 3166-1 alpha-2 code of an IPv4 or IPv6 address; "" if unknown. Never raises."""
        if address != self._last[0]:
            self._last = (address, self._look_up(address))
        return self._last[1]

    def _look_up(self, address: str) -> str:
        try:
            parsed = ip_address(address)
            # An IPv4 address as a socket for both kinds gives it.
            parsed = getattr(parsed, "ipv4_mapped", None) or parsed
            code = _code(self._reader.get(parsed)) if parsed.is_global else ""
        except (ValueError, maxminddb.InvalidDatabaseError):  # no address; a damaged record
            return ""
        return code if _CODE.fullmatch(code) and not _NO_COUNTRY.fullmatch(code) else ""

    def close(self) -> None:
        self._reader.close()


def _code(record: Any) -> str:
    """The code in a record of one of the layouts in use: MaxMind's, ip-location-db's, IPinfo's."""
    if not isinstance(record, dict):
        return ""
    # Where the address is used, else where its network is registered.
    for found in (
        record.get("country"),
        record.get("registered_country"),
        record.get("country_code"),
    ):
        code = found.get("iso_code") if isinstance(found, dict) else found
        if isinstance(code, str) and code:
            return code
    return ""
