"""docs/reference/api-ingest.md names every field, parameter and limit that the code has."""

import re

from eventmill.core.plain_json import MAX_DEPTH
from eventmill.core.registry import (
    CONTEXT_FIELDS,
    FIELDS,
    MAX_CAMPAIGN_CHARACTERS,
    MAX_URL_CHARACTERS,
    MAX_USER_AGENT_BYTES,
)
from eventmill.core.settings import PROJECT_ROOT
from ingest_api.body import MAX_BODY_BYTES, MAX_EVENTS
from ingest_api.campaign import CLICK_ID_PARAMETERS

PAGE = (PROJECT_ROOT / "docs" / "reference" / "api-ingest.md").read_text()


def test_every_field_is_documented() -> None:
    named = set(re.findall(r"`([a-z_]+)`", PAGE))
    assert named >= FIELDS | CONTEXT_FIELDS | set(CLICK_ID_PARAMETERS)


def test_limits_are_those_of_the_code() -> None:
    for limit in (MAX_BODY_BYTES, MAX_EVENTS, MAX_URL_CHARACTERS, MAX_USER_AGENT_BYTES):
        assert f"{limit:,}" in PAGE
    assert f"to {MAX_CAMPAIGN_CHARACTERS} characters" in PAGE
    assert f"more than {MAX_DEPTH} levels" in PAGE
