"""Reads every setting, typed, in one place. Nothing else in Eventmill reads the environment.

A setting comes from the environment (`EVENTMILL_*`), else from `<home>/eventmill.env`, else from
its default in `setting_groups.py` or `storage_settings.py`. The file in the home lets a system keep
what it was set up with (the demo keeps `EVENTMILL_RETENTION_DAYS=0` there).
"""

import os
from functools import cache
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from eventmill.core import setting_groups as groups
from eventmill.core.errors import ConfigurationError
from eventmill.core.storage_settings import ExportSettings, WarehouseSettings

PROJECT_ROOT = Path(__file__).resolve().parents[2]


class Settings(
    groups.SystemSettings,
    groups.IngestSettings,
    groups.DashboardsSettings,
    groups.BuildSettings,
    groups.PrivacySettings,
    ExportSettings,
    WarehouseSettings,
    BaseSettings,
):
    """All of Eventmill's settings: docs/reference/settings.md."""

    model_config = SettingsConfigDict(env_prefix="EVENTMILL_", frozen=True, extra="ignore")

    @property
    def accepted_past_days(self) -> int | None:
        """How many days back the API accepts; None is without limit."""
        return self.accept_past_days or self.retention_days or None

    @property
    def kept_rejected_days(self) -> int:
        """How long rejected events are kept."""
        return min(
            self.rejected_retention_days, self.retention_days or self.rejected_retention_days
        )

    @property
    def cors_origins(self) -> list[str]:
        return [origin.strip() for origin in self.allowed_origins.split(",") if origin.strip()]

    @property
    def dagster_public_hosts(self) -> list[str]:
        return [host.strip() for host in self.dagster_allowed_hosts.split(",") if host.strip()]

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
        raise ConfigurationError(
            f"{problems}. docs/reference/settings.md lists the settings"
        ) from None


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
