"""Which days have to be built again, and why."""
