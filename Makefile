# `make demo` and `make test` are all that a new machine needs: each does its own set-up.
SHELL := /bin/sh
PYTHON ?= python3
# uv from the PATH when there is one, else the pinned one that tools/bootstrap_uv.py installs.
UV := $(shell command -v uv 2>/dev/null || echo .tools/uv/bin/uv)
RUN := $(UV) run --frozen --no-sync
ARGS ?=

# A user without a writable home directory (a container, a service account) still has a cache.
ifneq ($(shell test -w "$$HOME" && echo yes),yes)
export UV_CACHE_DIR ?= $(CURDIR)/.tools/uv-cache
endif
# Without compiled bytecode every Dagster process spends seconds on imports.
unexport PYTHONDONTWRITEBYTECODE
export UV_COMPILE_BYTECODE = 1

.DEFAULT_GOAL := help
.PHONY: help setup demo up down check lint test-unit test fuzz client tracker format bench dbt-dev dbt-duckdb docs reference clean

help: ## Show this help
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.tools/uv/bin/uv:
	@$(PYTHON) tools/bootstrap_uv.py

.venv/.synced: uv.lock pyproject.toml | $(filter .tools/%,$(UV))
	@$(UV) sync --frozen --quiet
	@touch $@

setup: .venv/.synced ## Install everything into .venv (each other target does this by itself)

demo: setup ## Start the system, feed it a real log, print its numbers, keep serving (ARGS=--once to exit)
	@$(RUN) eventmill demo $(ARGS)

up: setup ## Start ingest, dashboards and Dagster in this terminal
	@$(RUN) eventmill up $(ARGS)

down: setup ## Stop whatever runs for this home, PostgreSQL included
	@$(RUN) eventmill down

# Two of these at a time, each one's output in one piece.
check: setup ## The loop before each commit: format, lint, types, SQL, and the tests that need no server
	@$(MAKE) --no-print-directory -j2 -Otarget test-unit lint

lint: .venv/.python_linted .venv/.sql_linted ## Format, lint, types, SQL

.PHONY: .venv/.python_linted
.venv/.python_linted: setup
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy

# The SQL linter takes 15 seconds for all of it, so only files that changed are looked at: all of
# them when something changed that each depends on.
SQL := $(shell find dbt_project/models dbt_project/tests -name '*.sql')
SQL_RULES := .sqlfluff $(shell find dbt_project/macros tools/sqlfluff -name '*.sql' -o -name '*.py')
.venv/.sql_linted: $(SQL) $(SQL_RULES) | setup
	@$(RUN) sqlfluff lint $(if $(filter $(SQL_RULES),$?),$(SQL),$(filter $(SQL),$?))
	@touch $@

test-unit: setup ## The tests that need no server, browser or process (ARGS="-k name" for some)
	@$(RUN) pytest -q -m unit $(ARGS)

# The whole suite is shared among workers; some tests alone are sooner done without.
test: setup ## Run the whole test suite (ARGS="-k name" for some)
	@$(RUN) pytest $(or $(ARGS),-n auto)

# Each API gets its cases.
FUZZ_TESTS = tests/ingest_api/test_openapi_fuzz.py tests/dashboards_api/worlds/test_openapi_fuzz.py
fuzz: setup ## Send each API at least 5,000 generated requests and hold it to its description
	@FUZZ_CASES=6000 $(RUN) pytest -s --timeout 7200 $(FUZZ_TESTS) $(ARGS)

client: setup ## Generate and build the TypeScript client of the dashboards API (web/client)
	@$(RUN) python -m tools.web_client

tracker: setup ## Build the browser tracker (web/tracker) and what the ingest API serves of it
	@$(RUN) python -m tools.web_tracker

format: setup ## Rewrite the code in the project's format
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .
	@$(RUN) sqlfluff fix dbt_project/models dbt_project/tests

bench: setup ## Measure throughput and build times; writes bench/results/*.json
	@$(RUN) python -m bench $(ARGS)

dbt-dev: setup ## Build the dbt models into your own schemas, dev_<user>_* (ARGS="--select daily_metrics+")
	@$(RUN) eventmill dbt --target dev build $(ARGS)

dbt-duckdb: setup ## Build the models from the warehouse's files into <home>/laptop.duckdb, without a server
	@$(RUN) eventmill dbt --target duckdb build $(ARGS)

docs: setup ## Write the dbt project's documentation: one page with models, columns, tests and lineage
	@$(RUN) eventmill dbt --quiet docs generate --static --target prod
	@echo "written to $${EVENTMILL_HOME:-.eventmill}/dbt_target/static_index.html"

reference: setup ## Write docs/reference/commands.md and settings.md from the code
	@$(RUN) python -m tools.command_reference
	@$(RUN) python -m tools.setting_reference

clean: ## Remove the virtual environment and tools (not the data in .eventmill)
	rm -rf .venv .tools dbt_project/target .mypy_cache .ruff_cache .pytest_cache
