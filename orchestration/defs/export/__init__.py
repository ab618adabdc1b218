"""The warehouse export: built days become Parquet files, and are checked against their marts."""
