"""Names of jobs, and tags of runs beside those that say which days (partitions.py)."""

BUILD_JOB = "build_days"
EXPORT_JOB = "export_days"

# Dagster's own: on every run that a backfill from the UI starts.
BACKFILL_TAG = "dagster/backfill"
PRIORITY_TAG = "dagster/priority"
# On the run that the schedule starts, and on those that the sensor rebuild_days asks for.
NIGHT_TAG = "eventmill/night"
REBUILD_TAG = "eventmill/rebuild"
REASON_TAG = "eventmill/why"
# Shown in the list of runs while a range is built.
PROGRESS_TAG = "eventmill/progress"
# The machine whose process executes the run.
HOST_TAG = "eventmill/host"
