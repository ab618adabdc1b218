"""What each distinct user agent and referring domain means, classified when it is first seen."""

from orchestration.defs.enrichment.assets import referrers, user_agents

__all__ = ["referrers", "user_agents"]
