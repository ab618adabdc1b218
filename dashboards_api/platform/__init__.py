"""The metrics of the whole platform."""
