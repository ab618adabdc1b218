"""Who and what is active, new and there at all on the platform."""
