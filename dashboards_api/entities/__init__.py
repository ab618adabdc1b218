"""The raw events of a project, an IP asset or a license."""
