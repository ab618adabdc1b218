"""The job that exports days: what the sensor launches after each build."""

import dagster as dg

from eventmill.warehouse import tables
from orchestration.defs.export.assets import GROUP, key_of
from orchestration.partitions import daily
from orchestration.tags import EXPORT_JOB

# Of all tables, which are exported together; looked at by a sensor.
COMPLETE = dg.AssetCheckKey(key_of(tables()[0]), "every_built_day_is_exported")

export_days = dg.define_asset_job(
    EXPORT_JOB,
    selection=dg.AssetSelection.groups(GROUP) - dg.AssetSelection.checks(COMPLETE),
    partitions_def=daily,
    description="Exports a built UTC day, or a range of days in one run, to the warehouse.",
)
