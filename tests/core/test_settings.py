"""Settings come from the environment, then the home's file, then defaults."""

from pathlib import Path

import pytest

from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import get_settings
from tests.support import environment

pytestmark = pytest.mark.usefixtures("home")


def test_the_environment_overrides_the_file_of_the_home(tmp_path: Path) -> None:
    (tmp_path / "eventmill.env").write_text("EVENTMILL_RETENTION_DAYS=0\nEVENTMILL_HOST=::1\n")
    with environment(EVENTMILL_HOME=str(tmp_path), EVENTMILL_HOST="127.0.0.2"):
        settings = get_settings()
    assert (settings.retention_days, settings.host) == (0, "127.0.0.2")
    assert settings.accepted_past_days is None


def test_the_api_accepts_events_as_old_as_the_retention_unless_told_otherwise() -> None:
    with environment(EVENTMILL_RETENTION_DAYS="30"):
        assert get_settings().accepted_past_days == 30
        with environment(EVENTMILL_ACCEPT_PAST_DAYS="7"):
            assert get_settings().accepted_past_days == 7


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("EVENTMILL_INGEST_PORT", "eighty"),
        ("EVENTMILL_INGEST_PORT", "70000"),
        ("EVENTMILL_RETENTION_DAYS", "-1"),
        ("EVENTMILL_JWT_SECRET", "short"),
        ("EVENTMILL_FIRST_DAY", "2015-02-30"),
    ],
)
def test_a_wrong_value_names_its_variable(variable: str, value: str) -> None:
    with environment(**{variable: value}), pytest.raises(ConfigurationError, match=variable):
        get_settings()
