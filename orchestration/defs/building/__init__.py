"""The job that builds days; what starts it, and what says that a night is missing."""
