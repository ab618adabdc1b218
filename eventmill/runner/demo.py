"""`eventmill demo`: imports a real log, builds its days, prints the numbers and calls to try."""

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from eventmill.core.days import DayWindow
from eventmill.core.errors import ConfigurationError
from eventmill.core.settings import PROJECT_ROOT, child_environment, get_settings
from eventmill.core.tokens import Caller, issue
from eventmill.runner.services import Service, services
from eventmill.runner.supervisor import Supervisor
from ingest_api.demo_key import demo_write_key

SAMPLE = PROJECT_ROOT / "sample_data" / "apache_logs.log.gz"
SAMPLE_DAYS = DayWindow(date(2015, 5, 17), date(2015, 5, 20))
SAMPLE_SITE = "http://www.semicomplete.com"
ASSET_PATTERN = r"^/(?:presentations|projects|blog)/(?P<ip_asset_id>[^/?]+)"
SAMPLE_ASSET = "logstash-monitorama-2013"


def keep_everything() -> None:
    """Let this home keep events of any age, unless it says otherwise: the sample is from 2015."""
    file = get_settings().home / "eventmill.env"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_text(
            "# Settings of this home; the environment overrides them.\n"
            "# The demo's sample is from 2015, so nothing here is ever too old.\n"
            "EVENTMILL_RETENTION_DAYS=0\n"
        )
        file.chmod(0o600)
        get_settings.cache_clear()


def run_demo(console: Console, supervisor: Supervisor) -> None:
    """Import the sample, build its days and print what they say, on a running system.

    Raises ConfigurationError if a step fails.
    """
    console.print("[bold]1. Importing the sample log[/] (10,000 requests of a real site)")
    _step(
        "import", "access-log", str(SAMPLE),
        "--site", SAMPLE_SITE, "--asset-pattern", ASSET_PATTERN,
    )  # fmt: skip
    console.print(f"[bold]2. Building {SAMPLE_DAYS.first} to {SAMPLE_DAYS.last}[/] with Dagster")
    _step("backfill", SAMPLE_DAYS.first.isoformat(), SAMPLE_DAYS.last.isoformat())
    supervisor.check()
    console.print("[bold]3. Asking the dashboards API[/]")
    admin = issue(Caller("demo-admin", "admin"), timedelta(days=7))
    platform = _get(f"/v1/platform/metrics?{_range()}", admin)
    # Columns are never squeezed: where there is no terminal, rich assumes 80 characters.
    Console(width=max(console.width, 110)).print(_days_table(platform))
    _print_next_steps(console, admin)


def _step(*arguments: str) -> None:
    command = [str(Path(sys.executable).with_name("eventmill")), *arguments]
    result = subprocess.run(command, env=child_environment(), check=False)
    if result.returncode != 0:
        raise ConfigurationError(
            f"the demo's step `eventmill {' '.join(arguments[:2])}` failed"
            f" with status {result.returncode}"
        )


def _service(name: str) -> Service:
    return next(service for service in services() if service.name == name)


def _range() -> str:
    return f"start={SAMPLE_DAYS.first}&end={SAMPLE_DAYS.last}"


def _get(path: str, token: str) -> dict[str, Any]:
    url = f"{_service('dashboards').url}{path}"
    answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
    if answer.status_code != 200:
        raise ConfigurationError(f"GET {path} answered {answer.status_code}: {answer.text}")
    body: dict[str, Any] = answer.json()
    return body


def _days_table(platform: dict[str, Any]) -> Table:
    table = Table(title="daily_metrics, whole platform", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("date")
    metrics = platform["totals"].keys()
    for metric in metrics:
        table.add_column(metric, justify="right")
    for point in platform["series"]:
        table.add_row(point["date"], *(f"{point[metric]:,}" for metric in metrics))
    table.add_section()
    table.add_row("all four", *(f"{platform['totals'][metric]:,}" for metric in metrics))
    return table


def _print_next_steps(console: Console, admin: str) -> None:
    ingest, dashboards = _service("ingest").url, _service("dashboards").url
    brand = issue(Caller("demo-brand-user", "brand", "brand-1"), timedelta(days=7))
    creator = issue(Caller("creator-1", "creator"), timedelta(days=7))
    key = demo_write_key()
    lines = [
        "",
        f"Example page    {ingest}/example",
        f"Ingest API      {ingest}/docs",
        f"Dashboards API  {dashboards}/docs",
        f"Dagster         {_service('dagster').url}",
        "Database        eventmill psql",
        "",
        "Tokens, good for seven days (`eventmill token` makes others):",
        f"admin    {admin}",
        f"brand    {brand}",
        f"creator  {creator}",
        "",
        "Publishable write key of the demo (`eventmill keys create` makes others):",
        key,
        "",
        "Try:",
        f"curl -s -X POST {ingest}/v1/events -H 'X-Write-Key: {key}' -d"
        f' \'{{"event_type": "asset_viewed", "ip_asset_id": "{SAMPLE_ASSET}",'
        ' "anonymous_id": "me"}\'',
        f"curl -s '{dashboards}/v1/assets/{SAMPLE_ASSET}/metrics?{_range()}'"
        f" -H 'Authorization: Bearer {admin}'",
        f"curl -s '{dashboards}/v1/platform/metrics?{_range()}' -H 'Authorization: Bearer {admin}'",
    ]
    # Printed as they are: a token or a command that is wrapped or styled cannot be copied.
    console.file.write("\n".join(lines) + "\n")
    console.file.flush()
