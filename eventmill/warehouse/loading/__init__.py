"""Exported days are loaded into a warehouse of the data team's choice, by dlt, a day at a time.

docs/how-to/warehouse-loading.md has the settings of each destination,
docs/decisions/0026 the reasons.
"""

from eventmill.warehouse.loading.service import DayLoaded, Outcome, load

__all__ = ["DayLoaded", "Outcome", "load"]
