"""The destination that the settings name, as dlt knows it. Nothing here connects.

dlt reads its own configuration too: variables such as DESTINATION__SNOWFLAKE__CREDENTIALS__ROLE,
and `<home>/dlt/.dlt/secrets.toml`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import export, get_settings

if TYPE_CHECKING:
    from dlt.common.destination import Destination

FILESYSTEM: Final = "filesystem"
# For PostgreSQL dlt holds each file that it loads in memory: so files are small, and few at once.
HELD_FILES: Final = {"DATA_WRITER__FILE_MAX_ITEMS": "100000", "LOAD__WORKERS": "2"}
# DuckDB takes four fifths of the machine's memory before it uses the disk, unless it is told.
DUCKDB_CONFIG: Final = {"memory_limit": "1GB", "preserve_insertion_order": False}


def chosen() -> str:
    """The destination of the settings. Raises ConfigurationError if there is none."""
    name = get_settings().warehouse_destination
    if name is None:
        raise ConfigurationError(
            "no warehouse to load into: set EVENTMILL_WAREHOUSE_DESTINATION, to duckdb for example"
        )
    return name


def prepare() -> None:
    """Keep dlt's state in the home, its memory bounded, and dlt from telling its makers.

    Before dlt is imported.
    """
    folder = str(state_folder())
    export(
        {
            **(HELD_FILES if get_settings().warehouse_destination == "postgres" else {}),
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "RUNTIME__LOG_LEVEL": "CRITICAL",  # what fails is raised, and said by us
            "DLT_DATA_DIR": folder,
            "DLT_PROJECT_DIR": folder,
            "DLT_LOCAL_DIR": folder,
        },
        if_unset=True,
    )


def state_folder() -> Path:
    folder = get_settings().home.absolute() / "dlt"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def destination(name: str) -> "Destination[Any, Any]":
    """dlt's destination `name` with the credentials of the settings, if they have some.

    Raises ConfigurationError for credentials that are none for this destination.
    """
    import dlt

    factory: Any = getattr(dlt.destinations, name)
    credentials = _credentials(name)
    if credentials is None:
        return factory()  # type: ignore[no-any-return]
    if name == FILESYSTEM:
        return factory(bucket_url=credentials)  # type: ignore[no-any-return]
    if name == "duckdb":
        from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

        bounded = DuckDbCredentials(credentials, global_config=DUCKDB_CONFIG)
        return factory(credentials=bounded)  # type: ignore[no-any-return]
    return factory(credentials=credentials)  # type: ignore[no-any-return]


def _credentials(name: str) -> str | None:
    settings = get_settings()
    secret = settings.warehouse_credentials
    if secret is None:
        return str(settings.home.absolute() / "loaded.duckdb") if name == "duckdb" else None
    value = secret.get_secret_value()
    if name == "databricks":
        raise ConfigurationError(
            "Databricks has no URL of credentials: leave EVENTMILL_WAREHOUSE_CREDENTIALS empty, and"
            " set DESTINATION__DATABRICKS__CREDENTIALS__SERVER_HOSTNAME, …__HTTP_PATH, …__CATALOG"
            " and …__ACCESS_TOKEN"
        )
    if name == "bigquery" and not value.lstrip().startswith("{"):
        try:
            return Path(value).read_text()
        except OSError as error:
            raise ConfigurationError(
                f"EVENTMILL_WAREHOUSE_CREDENTIALS is no file of a service account: {error}"
            ) from None
    return value
