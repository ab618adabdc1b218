"""What can be set of exported files and of the warehouse: see setting_groups.py."""

from pydantic import BaseModel, SecretStr

from eventmill.core.setting_groups import setting


class ExportSettings(BaseModel):
    """Exported files"""

    exports_url: str | None = setting(
        None,
        "Where exported files are kept: an absolute folder, or `s3://bucket/prefix`.",
        page="api-dashboards.md#exports",
        unset="`<home>/exports`",
        wrong="Exports fail. With several machines a folder serves only the machine it is on.",
        pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?|/.*)$",
    )
    exports_s3_endpoint: str | None = setting(
        None,
        "URL of the S3-compatible store of exported files.",
        unset="Amazon's",
        wrong="Exports fail. Links lead to this address, so admins must reach it.",
        pattern="^https?://",
    )
    exports_s3_region: str = setting(
        "us-east-1",
        "Region of the bucket of exported files.",
        wrong="The store refuses requests, and exports fail.",
    )
    exports_s3_access_key_id: str | None = setting(
        None,
        "Access key of the bucket of exported files.",
        unset="the environment's (`AWS_ACCESS_KEY_ID`), or the machine's role",
        wrong="The store refuses requests, and exports fail.",
    )
    exports_s3_secret_access_key: SecretStr | None = setting(
        None,
        "Secret that belongs to `EVENTMILL_EXPORTS_S3_ACCESS_KEY_ID`.",
        unset="as for the access key",
        wrong="The store refuses requests, and exports fail.",
    )
    exports_url_seconds: int = setting(
        3600,
        "How long the link to an exported file works, in seconds.",
        wrong="Too low: downloads fail with 403. Too high: a link that leaks works for longer.",
        ge=60,
        le=604_800,
    )
    exports_retention_days: int = setting(
        7,
        "Days that an exported file is kept.",
        wrong="Too high: copies of personal data stay for longer.",
        ge=1,
        le=366,
    )


class WarehouseSettings(BaseModel):
    """The warehouse"""

    warehouse_url: str | None = setting(
        None,
        "Where the warehouse's files are: an absolute folder, `s3://bucket/prefix` or"
        " `gs://bucket/prefix`.",
        page="warehouse.md",
        unset="`<home>/warehouse`",
        wrong="Exports fail. Another place is filled with all built days.",
        pattern=r"^((s3|gs)://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/.*)?|/.*)$",
    )
    warehouse_export: bool = setting(
        True,
        "Whether days are exported to the warehouse as soon as they are built.",
        wrong="Off: files get old, and retention no longer waits for them.",
    )
    warehouse_pseudonymise: bool = setting(
        True,
        "Whether ids of people leave for the warehouse as keyed hashes only.",
        wrong="Off: the files hold the ids of people.",
    )
    warehouse_key: SecretStr | None = setting(
        None,
        "Key of the hashes in the warehouse's files, 32 characters or more.",
        unset="made for the place of the files, in the home",
        wrong="With another key every pseudonym is another one: all built days are exported again,"
        " and an erasure waits for the former key.",
        min_length=32,
    )
    warehouse_s3_endpoint: str | None = setting(
        None,
        "URL of the S3-compatible store of the warehouse's files.",
        unset="Amazon's, or for `gs://` Google's",
        wrong="Exports fail, and are tried again.",
        pattern="^https?://",
    )
    warehouse_s3_region: str = setting(
        "us-east-1",
        "Region of the warehouse's bucket.",
        wrong="The store refuses requests, and exports fail.",
    )
    warehouse_s3_access_key_id: str | None = setting(
        None,
        "Access key of the warehouse's bucket. For `gs://` it is an HMAC key.",
        unset="the environment's, or the machine's role",
        wrong="The store refuses requests, and exports fail.",
    )
    warehouse_s3_secret_access_key: SecretStr | None = setting(
        None,
        "Secret that belongs to `EVENTMILL_WAREHOUSE_S3_ACCESS_KEY_ID`.",
        unset="as for the access key",
        wrong="The store refuses requests, and exports fail.",
    )
    warehouse_destination: str | None = setting(
        None,
        "Kind of database that exported days are loaded into: `duckdb`, `postgres`, `filesystem`,"
        " `bigquery`, `snowflake`, `redshift`, `databricks` or `clickhouse`.",
        page="../how-to/warehouse-loading.md",
        unset="none, and nothing is loaded",
        wrong="`eventmill warehouse load` names the extra that has to be installed.",
        pattern="^(duckdb|postgres|filesystem|bigquery|snowflake|redshift|databricks|clickhouse)$",
    )
    warehouse_dataset: str = setting(
        "eventmill",
        "Schema or dataset that exported days are loaded into.",
        wrong="Another dataset is filled with all exported days.",
        pattern="^[a-z][a-z0-9_]{0,47}$",
    )
    warehouse_credentials: SecretStr | None = setting(
        None,
        "How to reach the destination: a URL, a file or a folder.",
        page="../how-to/warehouse-loading.md#destinations",
        unset="dlt's own variables",
        wrong="A load fails. The next one goes on where it was.",
    )
