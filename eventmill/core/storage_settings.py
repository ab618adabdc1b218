"""What can be set of exported files and of the warehouse: see setting_groups.py."""

from pydantic import Field, SecretStr

from eventmill.core.setting_groups import Group


class ExportSettings(Group):
    """Exported files"""

    exports_url: str | None = Field(
        None, pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?|/.*)$"
    )
    """Where exported files are kept: an absolute folder, or `s3://bucket/prefix`.
    Unset: `<home>/exports`.
    Wrong: Exports fail. With several machines a folder serves only the machine it is on.
    More: api-dashboards.md#exports"""
    exports_s3_endpoint: str | None = Field(None, pattern="^https?://")
    """URL of the S3-compatible store of exported files.
    Unset: Amazon's.
    Wrong: Exports fail. Links lead to this address, so admins must reach it."""
    exports_s3_region: str = "us-east-1"
    """Region of the bucket of exported files.
    Wrong: The store refuses requests, and exports fail."""
    exports_s3_access_key_id: str | None = None
    """Access key of the bucket of exported files.
    Unset: the environment's (`AWS_ACCESS_KEY_ID`), or the machine's role.
    Wrong: The store refuses requests, and exports fail."""
    exports_s3_secret_access_key: SecretStr | None = None
    """Secret that belongs to `EVENTMILL_EXPORTS_S3_ACCESS_KEY_ID`.
    Unset: as for the access key.
    Wrong: The store refuses requests, and exports fail."""
    exports_url_seconds: int = Field(3600, ge=60, le=604_800)
    """How long the link to an exported file works, in seconds.
    Wrong: Too low: downloads fail with 403. Too high: a link that leaks works for longer."""
    exports_retention_days: int = Field(7, ge=1, le=366)
    """Days that an exported file is kept.
    Wrong: Too high: copies of personal data stay for longer."""


class WarehouseSettings(Group):
    """The warehouse"""

    warehouse_url: str | None = Field(
        None, pattern=r"^((s3|gs)://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/.*)?|/.*)$"
    )
    """Where the warehouse's files are: an absolute folder, `s3://bucket/prefix` or
    `gs://bucket/prefix`.
    Unset: `<home>/warehouse`.
    Wrong: Exports fail. Another place is filled with all built days.
    More: warehouse.md"""
    warehouse_export: bool = True
    """Whether days are exported to the warehouse as soon as they are built.
    Wrong: Off: files get old, and retention no longer waits for them."""
    warehouse_pseudonymise: bool = True
    """Whether ids of people leave for the warehouse as keyed hashes only.
    Wrong: Off: the files hold the ids of people."""
    warehouse_key: SecretStr | None = Field(None, min_length=32)
    """Key of the hashes in the warehouse's files, 32 characters or more.
    Unset: made for the place of the files, in the home.
    Wrong: With another key every pseudonym is another one: all built days are exported again, and
    an erasure waits for the former key."""
    warehouse_s3_endpoint: str | None = Field(None, pattern="^https?://")
    """URL of the S3-compatible store of the warehouse's files.
    Unset: Amazon's, or for `gs://` Google's.
    Wrong: Exports fail, and are tried again."""
    warehouse_s3_region: str = "us-east-1"
    """Region of the warehouse's bucket.
    Wrong: The store refuses requests, and exports fail."""
    warehouse_s3_access_key_id: str | None = None
    """Access key of the warehouse's bucket. For `gs://` it is an HMAC key.
    Unset: the environment's, or the machine's role.
    Wrong: The store refuses requests, and exports fail."""
    warehouse_s3_secret_access_key: SecretStr | None = None
    """Secret that belongs to `EVENTMILL_WAREHOUSE_S3_ACCESS_KEY_ID`.
    Unset: as for the access key.
    Wrong: The store refuses requests, and exports fail."""
    warehouse_destination: str | None = Field(
        None,
        pattern="^(duckdb|postgres|filesystem|bigquery|snowflake|redshift|databricks|clickhouse)$",
    )
    """Kind of database that exported days are loaded into: `duckdb`, `postgres`, `filesystem`,
    `bigquery`, `snowflake`, `redshift`, `databricks` or `clickhouse`.
    Unset: none, and nothing is loaded.
    Wrong: `eventmill warehouse load` names the extra that has to be installed.
    More: ../how-to/warehouse-loading.md"""
    warehouse_dataset: str = Field("eventmill", pattern="^[a-z][a-z0-9_]{0,47}$")
    """Schema or dataset that exported days are loaded into.
    Wrong: Another dataset is filled with all exported days."""
    warehouse_credentials: SecretStr | None = None
    """How to reach the destination: a URL, a file or a folder.
    Unset: dlt's own variables.
    Wrong: A load fails. The next one goes on where it was.
    More: ../how-to/warehouse-loading.md#destinations"""
