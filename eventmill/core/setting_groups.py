"""What can be set: each setting's type, default, meaning, and what a wrong value does.

`make reference` writes docs/reference/settings.md from these classes and those of
storage_settings.py: each is a section.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, SecretStr

Port = Annotated[int, Field(ge=1, le=65535)]


def setting(
    default: Any,
    meaning: str,
    *,
    wrong: str,
    unset: str | None = None,
    page: str | None = None,
    **bounds: Any,
) -> Any:
    """A field.

    `unset` says what holds where the default is None, `wrong` what a bad value does, and `page` is
    the document that says more, from docs/reference.
    """
    return Field(
        default,
        description=meaning + (f" Default: {unset}." if unset else ""),
        json_schema_extra={"meaning": meaning, "unset": unset, "wrong": wrong, "page": page},
        **bounds,
    )


class SystemSettings(BaseModel):
    """The system"""

    home: Path = setting(
        Path(".eventmill"),
        "Folder of this system's state: embedded PostgreSQL, Dagster's home, secrets, spool.",
        wrong="Another folder is another, empty system. Commands and services need the same one.",
    )
    database_url: SecretStr | None = setting(
        None,
        "PostgreSQL to use, version 15 or newer (`postgresql://…`).",
        unset="the embedded server",
        wrong="Commands end with `no PostgreSQL at …`. The ingest API starts and spools.",
    )
    dagster_database_url: SecretStr | None = setting(
        None,
        "PostgreSQL database of Dagster's own state.",
        unset="`<database>_dagster` on the same server",
        wrong="Dagster does not start. In another database it has no history of runs.",
    )
    host: str = setting(
        "127.0.0.1",
        "Address that the two APIs and Dagster's UI listen on.",
        wrong="On a public address Dagster's UI, which asks for no password, is public too.",
    )
    log_level: str = setting(
        "info",
        "Least important log lines of both APIs that are written: `debug`, `info`, `warning` or"
        " `error`.",
        wrong="Above `info` no request is logged.",
        pattern="^(debug|info|warning|error)$",
    )


class IngestSettings(BaseModel):
    """Receiving events"""

    ingest_port: Port = setting(
        8000,
        "Port of the ingest API.",
        wrong="`eventmill up` names a port that is taken. Senders must know the new one.",
    )
    ingest_workers: int = setting(
        1,
        "Processes that serve the ingest API on its port.",
        wrong="Each counts rate limits for itself, so with four, four times as much gets through.",
        ge=1,
        le=64,
    )
    allowed_origins: str = setting(
        "*",
        "Origins whose pages may send events, separated by commas. `*` is any.",
        wrong="Browsers do not send events from a page whose origin is missing here.",
    )
    events_per_minute: int = setting(
        100,
        "Events a minute of one user, and of one anonymous visitor.",
        wrong="Too low: senders get 429. Too high: one visitor can flood the numbers.",
        ge=1,
    )
    secret_key_events_per_minute: int = setting(
        6_000_000,
        "Events a minute of one secret write key.",
        wrong="Too low: your servers get 429.",
        ge=1,
    )
    accept_past_days: int | None = setting(
        None,
        "How old an event sent to the API may be, in days.",
        unset="`EVENTMILL_RETENTION_DAYS`",
        wrong="Too low: events of devices that were offline are rejected. Above the retention:"
        " old events are counted, and dropped by the next retention run.",
        ge=1,
    )
    tracking_plan: Path | None = setting(
        None,
        "The tracking plan, a YAML file. It is read again when it changes.",
        unset="the packaged plan",
        page="tracking-plan.md",
        wrong="A service does not start with a broken plan. A running one keeps the plan it has.",
    )
    spool_dir: Path | None = setting(
        None,
        "Folder where accepted events wait while the database is away.",
        unset="`<home>/spool`",
        wrong="It must be a local disk. What waits in another folder is not sent.",
    )
    spool_max_mb: int = setting(
        1024,
        "How large the spool may grow, in MB.",
        wrong="Too low: senders get 503 early while the database is away. Beyond the disk: 8 MB"
        " are set aside to empty a full one.",
        ge=1,
    )
    geoip_db: Path | None = setting(
        None,
        "Country database in MaxMind's format (`.mmdb`).",
        unset="the packaged database",
        wrong="The ingest API does not start without the file. A country that was wrong stays.",
    )
    scrub_parameters: str = setting(
        "",
        "URL parameters whose values are removed besides the usual ones, separated by commas."
        " A name with a leading `-` is kept instead.",
        wrong="A missing name lets secrets or personal data of URLs into the database.",
    )
    example_page: bool = setting(
        False,
        "Whether the ingest API serves an example page at `/example`. `eventmill demo` sets it.",
        wrong="The page shows anybody the events of an anonymous id. Leave it off in production.",
    )


class DashboardsSettings(BaseModel):
    """Reading numbers"""

    dashboards_port: Port = setting(
        8001,
        "Port of the dashboards API.",
        wrong="`eventmill up` names a port that is taken. Clients must know the new one.",
    )
    cache_mb: int = setting(
        64,
        "Memory for finished answers of the dashboards API, in MB. 0 keeps none.",
        wrong="Too low: answers are computed more often. It is taken once by each process.",
        ge=0,
    )
    currency: str | None = setting(
        None,
        "Currency that revenue is counted in, ISO 4217. Other money is kept apart.",
        unset="that of the first license that names one",
        wrong="Revenue in the real currency counts as 0. Correct it and build the days again.",
        pattern="^[A-Z]{3}$",
    )
    jwt_secret: SecretStr | None = setting(
        None,
        "Secret that user tokens are signed with (HS256), 32 characters or more.",
        unset="made once and kept in the home",
        wrong="Tokens get 401, and links to exported files stop working. Whoever knows the secret"
        " can be anybody.",
        min_length=32,
    )
    jwt_audience: str = setting(
        "eventmill",
        "`aud` that a token must carry.",
        wrong="Tokens get 401.",
    )
    jwt_issuer: str = setting(
        "eventmill",
        "`iss` that a token must carry.",
        wrong="Tokens get 401.",
    )
    jwt_jwks_url: str | None = setting(
        None,
        "URL of the public keys of RS256 and ES256 tokens. HS256 is refused then.",
        unset="none, and tokens are HS256",
        wrong="While the URL does not answer, the keys known last serve. A process that starts"
        " then answers tokens with 503.",
        pattern="^https?://",
    )


class BuildSettings(BaseModel):
    """Building days"""

    dagster_port: Port = setting(
        3000,
        "Port of Dagster's UI.",
        wrong="`eventmill up` names a port that is taken.",
    )
    first_day: date = setting(
        date(2015, 1, 1),
        "First daily partition that Dagster and dbt know.",
        wrong="Days before it cannot be built. Much earlier than needed makes Dagster's UI slow.",
    )
    rebuild_minutes: float = setting(
        5,
        "A day that gets late events is built again at most this often, in minutes.",
        wrong="Too low: builds run all the time. Too high: late events are counted late.",
        ge=0,
    )
    chunk_days: int = setting(
        31,
        "Days of a range that are built, and are resumed, together.",
        wrong="Too high: the nightly build waits longer for a backfill. Too low: long backfills"
        " take longer.",
        ge=1,
        le=366,
    )
    identity_window_days: int = setting(
        30,
        "How many days back a new link between an anonymous id and a user has days built again.",
        wrong="Too low: a visitor who logs in later counts twice on older days. Too high: nights"
        " take longer.",
        ge=0,
        le=366,
    )
    alert_webhook: SecretStr | None = setting(
        None,
        "URL that gets a POST with JSON when a Dagster run fails.",
        unset="none",
        wrong="Alerts are only in Dagster's log. A POST that fails is sent again.",
    )


class PrivacySettings(BaseModel):
    """Keeping and erasing"""

    retention_days: int = setting(
        731,
        "Days that raw events are kept, and rejected ones. 0 keeps everything.",
        wrong="Too low: raw events are gone, and their days can never be built again.",
        ge=0,
    )
    erasure_key: SecretStr | None = setting(
        None,
        "Key of the hashes by which erased people are known, 32 characters or more. The ingest API"
        " needs the same one as the dashboards API.",
        unset="made once and kept in the home",
        wrong="With another key, events of an erased person that were received before the erasure"
        " can no longer be recognised: batches wait in the spool.",
        min_length=32,
    )
