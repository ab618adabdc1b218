"""A creator's dashboard: all of their assets together, and the best of them."""
