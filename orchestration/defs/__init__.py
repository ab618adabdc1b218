"""All that Dagster knows, found by folder: a new asset, check, job or sensor is one file here."""
