"""The publishable write key of a demo: printed, and in its example page."""

from eventmill.core.database import connect
from eventmill.core.settings import get_settings
from ingest_api.keys import create_key, is_valid_key


def demo_write_key() -> str:
    """The publishable key that the demo prints; kept in the home, since no key can be shown twice.

    Made anew if it was revoked, or if the home now uses another database.
    """
    file = get_settings().home / "secrets" / "demo_write_key"
    with connect(autocommit=True, application="eventmill demo") as connection:
        if file.exists() and is_valid_key(connection, file.read_text()):
            return file.read_text()
        key = create_key(connection, "demo", "publishable")
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.write_text(key)
    return key
