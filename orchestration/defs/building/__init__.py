"""The job that builds days, what starts it, and the alert when a night is missing."""
