"""A brand's dashboard: its projects, their assets and their campaigns."""
