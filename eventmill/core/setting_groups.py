"""What can be set: each setting's type, default, meaning, and what a wrong value does.

`make reference` writes docs/reference/settings.md from these classes and those of
storage_settings.py: each is a section. Below a setting stands what it means, and after these words:

- `Unset:` what holds where the default is None;
- `Wrong:` what a bad value does;
- `More:` the document that says more, from docs/reference.
"""

import re
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic.fields import FieldInfo

Port = Annotated[int, Field(ge=1, le=65535)]


class Group(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


def said_of(field: FieldInfo) -> dict[str, str]:
    """What is said of a setting: `Meaning`, `Wrong`, and where it has them `Unset` and `More`."""
    words = re.split(r"\n(Unset|Wrong|More): ", f"\n{field.description}")
    pairs = zip(["Meaning", *words[1::2]], words[::2], strict=True)
    return {name: " ".join(text.split()) for name, text in pairs}


class SystemSettings(Group):
    """The system"""

    home: Path = Path(".eventmill")
    """Folder of this system's state: embedded PostgreSQL, Dagster's home, secrets, spool.
    Wrong: Another folder is another, empty system. Commands and services need the same one."""
    database_url: SecretStr | None = None
    """PostgreSQL to use, version 15 or newer (`postgresql://…`).
    Unset: the embedded server.
    Wrong: Commands end with `no PostgreSQL at …`. The ingest API starts and spools."""
    dagster_database_url: SecretStr | None = None
    """PostgreSQL database of Dagster's own state.
    Unset: `<database>_dagster` on the same server.
    Wrong: Dagster does not start. In another database it has no history of runs."""
    trusted_proxies: int = Field(0, ge=0, le=16)
    """How many proxies of your own are in front of both APIs, one behind the other. Address and
    scheme of a request are what the outermost of them has seen, counted from the end of
    `X-Forwarded-For` and `X-Forwarded-Proto`.
    Wrong: Too low: all visitors have the proxy's address. Too high: anybody can claim any
    address."""
    connections_per_address: int = Field(256, ge=1)
    """Connections that one address may have open at a time to each process of both APIs. Not
    counted behind `EVENTMILL_TRUSTED_PROXIES`, where the proxy has this task.
    Wrong: Too low: an office behind one address gets 429. Too high: one machine can take all."""
    host: str = "127.0.0.1"
    """Address that the two APIs listen on.
    Wrong: Beyond this machine put a proxy with TLS in front."""
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$")
    """Least important log lines of both APIs that are written: `debug`, `info`, `warning` or
    `error`.
    Wrong: Above `info` no request is logged."""


class IngestSettings(Group):
    """Receiving events"""

    ingest_port: Port = 8000
    """Port of the ingest API.
    Wrong: `eventmill up` names a port that is taken. Senders must know the new one."""
    ingest_workers: int = Field(1, ge=1, le=64)
    """Processes that serve the ingest API on its port.
    Wrong: Each counts the limits of visitors and secret keys for itself, so with four, four times
    as much gets through. Those of addresses and publishable keys are shared out."""
    allowed_origins: str = "*"
    """Origins whose pages may send events, separated by commas. `*` is any.
    Wrong: Browsers do not send events from a page whose origin is missing here."""
    events_per_minute: int = Field(100, ge=1)
    """Events a minute of one user, and of one anonymous visitor.
    Wrong: Too low: senders get 429. Too high: one visitor can flood the numbers."""
    secret_key_events_per_minute: int = Field(6_000_000, ge=1)
    """Events a minute of one secret write key.
    Wrong: Too low: your servers get 429."""
    address_events_per_minute: int = Field(7_200, ge=1)
    """Events a minute from one address with a publishable key, counted in windows of 10 seconds.
    Wrong: Too low: an office behind one address gets 429. So does a whole site, behind a proxy that
    `EVENTMILL_TRUSTED_PROXIES` does not know. Too high: one machine can flood the numbers."""
    publishable_key_events_per_minute: int = Field(600_000, ge=1)
    """Events a minute with one publishable key, counted in windows of 10 seconds.
    Wrong: Too low: browsers get 429 on a busy day. Too high: many machines can flood the
    numbers."""
    address_mb_per_minute: int = Field(60, ge=1)
    """Megabytes a minute from one address with a publishable key, unpacked, counted in windows of
    10 seconds.
    Wrong: Too low: senders of large events get 429. Too high: one machine can fill the disk."""
    publishable_key_mb_per_minute: int = Field(3_000, ge=1)
    """The same of one publishable key, whatever address it is sent from.
    Wrong: Too low: browsers get 429 on a busy day. Too high: many machines can fill the disk."""
    rejected_mb_per_day: int = Field(200, ge=1)
    """Megabytes a day of rejected events from publishable keys that are kept for replay. Those
    beyond it are answered and counted like the others, and not kept.
    Wrong: Too low: what a mistake in the plan rejected cannot be replayed. Too high: a stranger can
    fill the disk."""
    rejected_retention_days: int = Field(30, ge=1)
    """Days that rejected events are kept for replay, at most as long as raw events.
    Wrong: Too low: what a mistake in the plan rejected is gone before it is mended."""
    accept_past_days: int | None = Field(None, ge=1)
    """How old an event sent to the API may be, in days.
    Unset: `EVENTMILL_RETENTION_DAYS`.
    Wrong: Too low: events of devices that were offline are rejected. Above the retention: old
    events are counted, and dropped by the next retention run."""
    publishable_past_hours: int = Field(168, ge=1)
    """How old an event sent with a publishable key may be, in hours.
    Wrong: Too low: events of browsers that were offline are rejected. High: whoever has seen your
    web page can have as much of the past built again."""
    tracking_plan: Path | None = None
    """The tracking plan, a YAML file. It is read again when it changes.
    Unset: the packaged plan.
    Wrong: A service does not start with a broken plan. A running one keeps the plan it has.
    More: tracking-plan.md"""
    spool_dir: Path | None = None
    """Folder where accepted events wait while the database is away.
    Unset: `<home>/spool`.
    Wrong: It must be a local disk. What waits in another folder is not sent."""
    spool_max_mb: int = Field(1024, ge=1)
    """How large the spool may grow, in MB.
    Wrong: Too low: senders get 503 early while the database is away. Beyond the disk: 8 MB are set
    aside to empty a full one."""
    geoip_db: Path | None = None
    """Country database in MaxMind's format (`.mmdb`).
    Unset: the packaged database.
    Wrong: The ingest API does not start without the file. A country that was wrong stays."""
    scrub_parameters: str = ""
    """URL parameters whose values are removed besides the usual ones, separated by commas. A name
    with a leading `-` is kept instead.
    Wrong: A missing name lets secrets or personal data of URLs into the database."""
    ingest_url: str | None = Field(None, pattern="^https?://[^/?#@]+$")
    """Where browsers reach the ingest API, such as `https://events.example`. Segment's browser
    library sends where the ingest API says that it is.
    Unset: where the browser asked.
    Wrong: Segment's browser library sends to another server."""
    example_page: bool = False
    """Whether the ingest API serves an example page at `/example`. `eventmill demo` sets it.
    Wrong: The page shows anybody the events of an anonymous id. Leave it off in production."""


class DashboardsSettings(Group):
    """Reading numbers"""

    dashboards_port: Port = 8001
    """Port of the dashboards API.
    Wrong: `eventmill up` names a port that is taken. Clients must know the new one."""
    cache_mb: int = Field(64, ge=0)
    """Memory for finished answers of the dashboards API, in MB. 0 keeps none.
    Wrong: Too low: answers are computed more often. It is taken once by each process."""
    currency: str | None = Field(None, pattern="^[A-Z]{3}$")
    """Currency that revenue is counted in, ISO 4217. Other money is kept apart.
    Unset: that of the first license that names one.
    Wrong: Revenue in the real currency counts as 0. Correct it and build the days again."""
    dashboards_url: str | None = Field(None, pattern="^https?://[^/?#@]+$")
    """Where clients reach the dashboards API, such as `https://numbers.example`. Links to exported
    files begin with it.
    Unset: the address that the connection came to.
    Wrong: Links to exported files do not work. Set it where the API is behind a proxy."""
    jwt_secret: SecretStr | None = Field(None, min_length=32)
    """Secret that user tokens are signed with (HS256), 32 characters or more.
    Unset: made once and kept in the home.
    Wrong: Tokens get 401, and links to exported files stop working. Whoever knows the secret can be
    anybody."""
    jwt_audience: str = "eventmill"
    """`aud` that a token must carry.
    Wrong: Tokens get 401."""
    jwt_issuer: str = "eventmill"
    """`iss` that a token must carry.
    Wrong: Tokens get 401."""
    jwt_max_hours: float = Field(744, gt=0)
    """How long a token may be good for, in hours: from `iat`, else from now, to `exp`.
    Wrong: Too low: tokens get 401. Too high: a token that is lost is good for long."""
    jwt_jwks_url: str | None = Field(None, pattern="^https?://")
    """URL of the public keys of RS256 and ES256 tokens. HS256 is refused then.
    Unset: none, and tokens are HS256.
    Wrong: While the URL does not answer, the keys known last serve. A process that starts then
    answers tokens with 503."""


class BuildSettings(Group):
    """Building days"""

    dagster_port: Port = 3000
    """Port of Dagster's UI.
    Wrong: `eventmill up` names a port that is taken."""
    dagster_host: str = "127.0.0.1"
    """Address that Dagster's UI listens on. Beyond this machine it needs a password.
    Wrong: `eventmill up` refuses to start without the password.
    More: ../how-to/dagster-behind-a-proxy.md"""
    dagster_password: SecretStr | None = Field(None, min_length=12)
    """Password of the user `ops` in Dagster's UI (HTTP Basic), 12 characters or more.
    Unset: no login.
    Wrong: Dagster's UI answers 401."""
    dagster_allowed_hosts: str = ""
    """Names under which browsers reach Dagster's UI through a proxy, separated by commas.
    Wrong: Dagster's UI answers 421 to another name."""
    first_day: date = date(2015, 1, 1)
    """First daily partition that Dagster and dbt know.
    Wrong: Days before it cannot be built. Much earlier than needed makes Dagster's UI slow."""
    rebuild_minutes: float = Field(5, ge=0)
    """A day that gets late events is built again at most this often, in minutes.
    Wrong: Too low: builds run all the time. Too high: late events are counted late."""
    chunk_days: int = Field(31, ge=1, le=366)
    """Days of a range that are built, and are resumed, together.
    Wrong: Too high: the nightly build waits longer for a backfill. Too low: long backfills take
    longer."""
    identity_window_days: int = Field(30, ge=0, le=366)
    """How many days back a new link between an anonymous id and a user has days built again.
    Wrong: Too low: a visitor who logs in later counts twice on older days. Too high: nights take
    longer."""
    alert_webhook: SecretStr | None = None
    """URL that gets a POST with JSON when a Dagster run fails.
    Unset: none.
    Wrong: Alerts are only in Dagster's log. A POST that fails is sent again."""


class PrivacySettings(Group):
    """Keeping and erasing"""

    retention_days: int = Field(731, ge=0)
    """Days that raw events are kept, and rejected ones. 0 keeps everything.
    Wrong: Too low: raw events are gone, and their days can never be built again."""
    erasure_key: SecretStr | None = Field(None, min_length=32)
    """Key of the hashes by which erased people are known, 32 characters or more. The ingest API
    needs the same one as the dashboards API.
    Unset: made once and kept in the home.
    Wrong: With another key, events of an erased person that were received before the erasure can no
    longer be recognised: batches wait in the spool."""
