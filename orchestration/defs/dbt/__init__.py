"""The dbt project's models, seeds and tests, built by one dbt invocation a run."""
