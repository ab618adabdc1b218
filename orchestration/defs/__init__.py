"""What Dagster knows, one folder a concern; `orchestration.definitions` merges them."""
