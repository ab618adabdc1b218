"""What tells somebody that a run failed, or died without a word."""

from orchestration.defs.alerts.lost_runs import lost_runs
from orchestration.defs.alerts.sensors import (
    alert_redelivery,
    failed_check_alert,
    run_failure_alert,
)

__all__ = ["alert_redelivery", "failed_check_alert", "lost_runs", "run_failure_alert"]
