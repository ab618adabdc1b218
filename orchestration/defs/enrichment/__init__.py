"""What each distinct user agent and referring domain means, classified when it is first seen."""

from orchestration.defs.enrichment.assets import referrers, user_agents
from orchestration.defs.enrichment.rebuild import rebuild_days

__all__ = ["rebuild_days", "referrers", "user_agents"]
