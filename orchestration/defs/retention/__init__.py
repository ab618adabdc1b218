"""Raw events end after the retention period; what was made of them stays."""

from orchestration.defs.retention.job import monthly_retention, retention

__all__ = ["monthly_retention", "retention"]
