"""dbt's `execute` for sqlfluff: being there, it is true. See .sqlfluff."""
