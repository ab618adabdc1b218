"""Every setting, typed, in one place. Nothing else in Eventmill reads the environment.

A setting comes from the environment (`EVENTMILL_*`), else from `<home>/eventmill.env`, else from
the default here. The file in the home lets a system keep what it was set up with (the demo keeps
`EVENTMILL_RETENTION_DAYS=0` there).
"""

import os
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from eventmill.core.errors import ConfigurationError

PROJECT_ROOT = Path(__file__).resolve().parents[2]

Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseSettings):
    """All of Eventmill's settings; each is also documented in docs/how-to/ops.md."""

    model_config = SettingsConfigDict(env_prefix="EVENTMILL_", frozen=True, extra="ignore")

    home: Path = Field(
        PROJECT_ROOT / ".eventmill",
        description="Folder of this system's state: embedded PostgreSQL, Dagster home, secrets.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL 15+ to use instead of the embedded one (postgresql://…).",
    )
    dagster_database_url: SecretStr | None = Field(
        None,
        description="Dagster's own state. Default: `<database>_dagster` on the same server.",
    )
    host: str = Field("127.0.0.1", description="Address that the three servers listen on.")
    ingest_port: Port = Field(8000, description="Port of the ingest API.")
    ingest_workers: int = Field(
        1, ge=1, le=64, description="Processes that serve the ingest API on its port."
    )
    spool_dir: Path | None = Field(
        None,
        description="Folder where accepted events wait while the database is away, on a local disk."
        " Default: `<home>/spool`.",
    )
    spool_max_mb: int = Field(
        1024, ge=1, description="How large the spool may grow, in MB. Beyond: 503."
    )
    dashboards_port: Port = Field(8001, description="Port of the dashboards API.")
    cache_mb: int = Field(
        64, ge=0, description="Memory for finished answers of the dashboards API, in MB. 0: none."
    )
    dagster_port: Port = Field(3000, description="Port of the Dagster UI.")
    first_day: date = Field(
        date(2015, 1, 1), description="First daily partition that Dagster and dbt know."
    )
    rebuild_minutes: float = Field(
        5, ge=0, description="A day that gets late events is built again at most this often."
    )
    chunk_days: int = Field(
        31, ge=1, le=366, description="Days of a range that are built, and are resumed, together."
    )
    retention_days: int = Field(
        731,
        ge=0,
        description="Days that raw events are kept, and refused ones. 0 keeps everything.",
    )
    accept_past_days: int | None = Field(
        None,
        ge=1,
        description="How old an event sent to the API may be, in days. Default: the retention.",
    )
    tracking_plan: Path | None = Field(
        None, description="The tracking plan, a YAML file. Default: the packaged one."
    )
    jwt_secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="HS256 secret of user tokens. Default: made once and kept in the home.",
    )
    erasure_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="Key of the hashes by which erased people are known; the ingest API needs the"
        " same one as the dashboards API. Default: made once and kept in the home.",
    )
    jwt_audience: str = Field("eventmill", description="`aud` that a token must carry.")
    jwt_issuer: str = Field("eventmill", description="`iss` that a token must carry.")
    jwt_jwks_url: str | None = Field(
        None,
        pattern="^https?://",
        description="Where the public keys of RS256 and ES256 tokens are; HS256 is refused then.",
    )
    allowed_origins: str = Field(
        "*",
        description="Origins whose pages may send events, separated by commas. * is any.",
    )
    example_page: bool = Field(False, description="Serve the demo's example page at /example.")
    events_per_minute: int = Field(
        100, ge=1, description="Events a minute of one user, and of one anonymous visitor."
    )
    secret_key_events_per_minute: int = Field(
        6_000_000, ge=1, description="Events a minute of one secret write key."
    )
    identity_window_days: int = Field(
        30,
        ge=0,
        le=366,
        description="How many days back a new link between an anonymous id and a user has days"
        " built again.",
    )
    geoip_db: Path | None = Field(
        None,
        description="Country database in MaxMind's format (.mmdb). Default: the packaged one.",
    )
    scrub_parameters: str = Field(
        "",
        description="URL parameters whose values are removed besides the usual ones, as a comma"
        " list; a name with a leading - is kept instead.",
    )
    currency: str | None = Field(
        None,
        pattern="^[A-Z]{3}$",
        description="Currency that revenue is counted in, ISO 4217; other money is kept apart."
        " Default: that of the first license that names one.",
    )
    exports_url: str | None = Field(
        None,
        pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?|/.*)$",
        description="Where exported files are kept: an absolute folder, or s3://bucket/prefix."
        " Default: `<home>/exports`.",
    )
    exports_s3_endpoint: str | None = Field(
        None,
        pattern="^https?://",
        description="URL of an S3-compatible store. Default: Amazon's.",
    )
    exports_s3_region: str = Field("us-east-1", description="Region of the bucket of exports.")
    exports_s3_access_key_id: str | None = Field(
        None,
        description="Access key of the bucket of exports. Default: the environment's"
        " (AWS_ACCESS_KEY_ID), or the machine's role.",
    )
    exports_s3_secret_access_key: SecretStr | None = Field(
        None, description="The secret of that access key."
    )
    exports_url_seconds: int = Field(
        3600,
        ge=60,
        le=604_800,
        description="How long the link to an exported file works, in seconds.",
    )
    exports_retention_days: int = Field(
        7, ge=1, le=366, description="Days that an exported file is kept."
    )
    warehouse_url: str | None = Field(
        None,
        pattern=r"^((s3|gs)://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/.*)?|/.*)$",
        description="Where the warehouse's files are: an absolute folder, s3://bucket/prefix or"
        " gs://bucket/prefix. Default: `<home>/warehouse`.",
    )
    warehouse_export: bool = Field(
        True, description="Whether days are exported to the warehouse as soon as they are built."
    )
    warehouse_pseudonymise: bool = Field(
        True, description="Whether ids of people leave for the warehouse as keyed hashes only."
    )
    warehouse_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="Key of those hashes. Default: made for the place of the files, in the home.",
    )
    warehouse_s3_endpoint: str | None = Field(
        None, pattern="^https?://", description="URL of its store. Default: Amazon's or Google's."
    )
    warehouse_s3_region: str = Field("us-east-1", description="Region of the warehouse's bucket.")
    warehouse_s3_access_key_id: str | None = Field(
        None,
        description="Its access key; of gs:// an HMAC key. Default: the environment's or a role's.",
    )
    warehouse_s3_secret_access_key: SecretStr | None = Field(
        None, description="The secret of that access key."
    )
    warehouse_destination: str | None = Field(
        None,
        pattern="^(duckdb|postgres|filesystem|bigquery|snowflake|redshift|databricks|clickhouse)$",
        description="Kind of warehouse that exported days are loaded into. Default: none.",
    )
    warehouse_dataset: str = Field(
        "eventmill", pattern="^[a-z][a-z0-9_]{0,47}$", description="Schema to load days into."
    )
    warehouse_credentials: SecretStr | None = Field(
        None,
        description="How to reach it (docs/how-to/warehouse-loading.md). Default: dlt's variables.",
    )
    alert_webhook: SecretStr | None = Field(
        None, description="URL that gets a POST with JSON when a Dagster run fails."
    )
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$")

    @property
    def accepted_past_days(self) -> int | None:
        """How many days back the API accepts; None is without limit."""
        return self.accept_past_days or self.retention_days or None

    @property
    def cors_origins(self) -> list[str]:
        return [origin.strip() for origin in self.allowed_origins.split(",") if origin.strip()]

    @property
    def spool_folder(self) -> Path:
        return self.spool_dir or self.home / "spool"

    @property
    def exports_location(self) -> str:
        """The folder or s3:// URL of exported files."""
        return self.exports_url or str(self.home.absolute() / "exports")

    @property
    def warehouse_location(self) -> str:
        """The folder, s3:// or gs:// URL of the warehouse's files."""
        place = self.warehouse_url or str(self.home.absolute() / "warehouse")
        return place.rstrip("/") or "/"

    @property
    def duckdb_file(self) -> Path:
        """Where dbt builds the models on DuckDB."""
        return self.home.absolute() / "laptop.duckdb"

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"

    @property
    def dbt_project_dir(self) -> Path:
        return PROJECT_ROOT / "dbt_project"

    @property
    def dbt_target_dir(self) -> Path:
        """dbt's artifacts, the manifest among them: in the home, so two systems do not collide."""
        return self.home / "dbt_target"

    @property
    def manifest_dir(self) -> Path:
        """Where production's dbt manifest is, apart from what `eventmill dbt` writes for others."""
        return self.dbt_target_dir / "dagster"


def _read() -> Settings:
    home = Path(os.environ.get("EVENTMILL_HOME") or PROJECT_ROOT / ".eventmill").absolute()
    try:
        return Settings(_env_file=home / "eventmill.env", home=home)
    except ValidationError as error:
        problems = "; ".join(
            f"EVENTMILL_{'.'.join(str(p) for p in e['loc']).upper()}: {e['msg']}"
            for e in error.errors()
        )
        raise ConfigurationError(f"{problems}. docs/how-to/ops.md lists the settings") from None


@cache
def get_settings() -> Settings:
    """This process's settings, read once. Raises ConfigurationError naming the variable."""
    return _read()


def shared_metrics_folder() -> Path | None:
    """Where the processes of one service count together, if they do.

    The variable is prometheus_client's own, which reads it when it is imported.
    """
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(folder) if folder else None


def child_environment(**extra: str) -> dict[str, str]:
    """The environment for a child process, with this process's settings' home made explicit."""
    environment = {**os.environ, "EVENTMILL_HOME": str(get_settings().home), **extra}
    # Without compiled bytecode, importing dagster_dbt takes 9 s instead of 3 s.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def export(variables: dict[str, str], *, if_unset: bool = False) -> None:
    """Set variables of this process for libraries that only they configure (dbt, dlt)."""
    os.environ.update({k: v for k, v in variables.items() if not (if_unset and k in os.environ)})
