"""Which rows the platform's metrics count: all."""

from dashboards_api.metrics.queries import Scope

PLATFORM = Scope(
    built="ip_asset_id is null and project_id is null and license_id is null",
    live="true",
    parameters={},
)
