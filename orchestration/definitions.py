"""The code location: loads and merges, nothing else."""

import dagster as dg

from orchestration.defs.alerts import (
    alert_redelivery,
    failed_check_alert,
    lost_runs,
    run_failure_alert,
)
from orchestration.defs.checks import freshness, yesterday_is_built
from orchestration.defs.dbt import dbt_models
from orchestration.defs.enrichment import referrers, user_agents
from orchestration.defs.export import (
    every_built_day_is_exported,
    export_built_days,
    export_days,
    load_exported_days,
    load_warehouse,
    rewrite_erased,
    rewrite_erased_days,
    warehouse_tables,
)
from orchestration.defs.healing.sensor import rebuild_days
from orchestration.defs.raw import EXTERNAL, raw_events
from orchestration.defs.retention import monthly_retention, retention
from orchestration.jobs import build_days, nightly
from orchestration.progress import progress
from orchestration.replay import replay_rejected

defs = dg.Definitions(
    assets=[raw_events, *EXTERNAL, user_agents, referrers, dbt_models, warehouse_tables],
    jobs=[
        build_days,
        export_days,
        load_warehouse,
        rewrite_erased,
        replay_rejected,
        retention,
    ],
    schedules=[nightly, monthly_retention],
    asset_checks=[yesterday_is_built, every_built_day_is_exported],
    sensors=[
        run_failure_alert,
        failed_check_alert,
        alert_redelivery,
        lost_runs,
        rebuild_days,
        export_built_days,
        rewrite_erased_days,
        load_exported_days,
        freshness,
    ],
    loggers={"console": dg.colored_console_logger, "progress": progress},
    executor=dg.in_process_executor,
)
