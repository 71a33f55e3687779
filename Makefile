# `make` alone lists the targets. Each one makes .venv itself when it is missing or older than the lock.
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
BIN := .venv/bin
READY := .venv/ready

$(READY): uv.lock pyproject.toml
	@tools/setup

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

##@ Running
.PHONY: setup demo serve worker migrate migration
setup: ## Make or renew .venv (PYTHON=python3.12 to choose)
	@tools/setup

demo: $(READY) ## Start a living installation to look at
	@$(BIN)/argus demo $(ARGS)

serve: $(READY) ## Start the server (ARGS="--port 9000")
	@$(BIN)/argus serve $(ARGS)

worker: $(READY) ## Start a worker alone
	@$(BIN)/argus worker $(ARGS)

migrate: $(READY) ## Bring the database up to date
	@$(BIN)/argus migrate $(ARGS)

migration: $(READY) ## Write a migration from what changed in the tables (m="Remember why a delivery failed")
	@test -n "$(m)" || { echo 'migration: say what it does: make migration m="…"' >&2; exit 2; }
	@$(BIN)/python -m adapters.db.migrations "$(m)" && $(BIN)/ruff format -q src/adapters/db/migrations

##@ Checking
.PHONY: test unit integration services faults pages conformance check lint format types imports audit
test: integration unit conformance ## All tests

unit: $(READY) ## Unit tests: seconds, no services; every branch of the core is covered
	@$(BIN)/coverage run -m pytest -q tests/unit
	@$(BIN)/coverage report

integration: services faults pages ## Tests with PostgreSQL, processes, real clients and a browser

services: $(READY) ## Those of them that need no browser, and kill nothing
	@$(BIN)/pytest -q tests/integration $(patsubst %,--ignore=tests/integration/%,web faults notifications) $(wildcard tests/contracts)

faults: $(READY) ## Those that kill, cut and stop, and wait for what becomes of it
	@$(BIN)/pytest -q tests/integration/faults tests/integration/notifications

pages: $(READY) ## Those with one
	@$(BIN)/pytest -q tests/integration/web

conformance: $(READY) ## The API as its clients know it
	@$(BIN)/pytest -q tests/conformance

lint: $(READY) ## Look for mistakes and formatting
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check

format: $(READY) ## Repair what a machine can
	@$(BIN)/ruff check --quiet --fix
	@$(BIN)/ruff format --quiet

types: $(READY) ## Check types
	@$(BIN)/mypy --no-error-summary

imports: $(READY) ## Check who may import whom
	@$(BIN)/lint-imports --no-logo

audit: $(READY) ## Ask whether a package is vulnerable, and look at licences
	@$(BIN)/python tools/audit.py

check: test lint types imports audit ## Everything CI checks, but a minute of chaos and of fuzz

##@ Now and then
.PHONY: bench chaos strain upgrading fuzz atheris lock clean
bench: $(READY) ## Measure the server next to plain psycopg
	@$(BIN)/python -m bench $(ARGS)

chaos: $(READY) ## Let everything happen to an installation for five minutes (CHAOS_SECONDS=7200 ARGS="--seed 1")
	@PYTHONPATH=tests $(BIN)/python -m chaos $(if $(CHAOS_SECONDS),--seconds $(CHAOS_SECONDS)) $(ARGS)

strain: $(READY) ## Race, cut, kill, ask strange things and look for exceptions to the laws for minutes instead of seconds
	@RACE_SECONDS=60 KILL_ROUNDS=60 DESCRIBED_EXAMPLES=100 HYPOTHESIS_PROFILE=long $(BIN)/pytest -q -o faulthandler_timeout=1800 -rP tests/integration/faults \
		tests/integration/notifications/test_faults.py tests/integration/http/test_description.py tests/integration/test_state_machine.py tests/unit/domain $(ARGS)

upgrading: $(READY) ## Take the newest steps of a database of five million incidents under load (ARGS="--before 0009 --keep DIR")
	@PYTHONPATH=tests $(BIN)/python -m bench.upgrading $(ARGS)

fuzz: $(READY) ## Give every parser bytes at random (ARGS="--seconds 600 cursor")
	@PYTHONPATH=tests nice $(BIN)/python -m fuzz $(ARGS)

atheris: $(READY) ## Have the bytes of `make fuzz` led by which lines they reach (Linux on x86-64)
	@$(if $(shell command -v uv),uv pip install --python $(BIN)/python,$(BIN)/python -m pip --disable-pip-version-check install) --quiet --only-binary :all: --require-hashes \
		--requirement tests/fuzz/requirements.txt

lock: ## Renew uv.lock and requirements.lock (ARGS=--upgrade for newer packages)
	@tools/lock $(ARGS)

clean: ## Remove .venv and everything else that was made here
	rm -rf .venv .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -prune -exec rm -rf {} +
