"""dbt's `target` for sqlfluff: see .sqlfluff."""

name = "prod"
type = "postgres"
