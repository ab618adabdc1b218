"""Sensors that alert when a run failed, or when its process died."""
