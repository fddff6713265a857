# Every target sets itself up: Python >= 3.11, git and make are all a machine needs.
# PYTHON=… chooses the interpreter, LOG=… the log of `make run`, PYTEST_ARGS=… adds arguments to pytest.

LOG ?= sample_logs/scenarios/seed-emissary-expired/controller.log
WORKERS ?= 2
# Tests with servers wait more than they work.
SERVER_WORKERS ?= 3
PYTEST_ARGS ?=
UPGRADE ?=

VENV := .venv
BIN := $(VENV)/bin
# Stamps: the file is as old as the last installation from the lock of the same name.
RUNTIME := $(VENV)/.requirements.stamp
DEV := $(VENV)/.requirements-dev.stamp
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help run demo compose-secrets test lint format test-servers test-long bench lock clean

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "  make %-16s %s\n", $$1, $$2 }'

run: $(RUNTIME) ## Replay a sample log (LOG=path: another one)
	$(BIN)/whystuck replay --fail-on never $(LOG)

demo: $(DEV) ## The whole thing on this machine: Kafka, PostgreSQL, two daemons, a receiver; one daemon is killed
	$(BIN)/python -m deploy.demo.run

compose-secrets: $(BIN)/python ## Make the secrets that docker-compose.yml needs
	$(BIN)/python deploy/demo/make_secrets.py

test: lint ## Format check, lint, types, import contracts and tests: at most five minutes
	$(BIN)/python -m pytest -n $(WORKERS) -m "not servers and not long" $(PYTEST_ARGS)

lint: $(DEV) ## Format check, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV) ## Format the code, repair what ruff can repair
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# pytest ends with status 5 when it has selected no test. Once a test has the mark, its call of this has to go.
NO_TESTS_YET = [ $$status -ne 5 ] || { echo "$@: no test is marked '$(1)' yet: NOTHING was tested here"; status=0; }

test-servers: $(DEV) ## Tests against real servers (REQUIRE_SERVERS=1: a missing server is a failure)
	$(BIN)/python -m pytest -n $(SERVER_WORKERS) --dist worksteal -m servers $(PYTEST_ARGS)

test-long: $(DEV) ## Tests that run for minutes or hours
	@status=0; $(BIN)/python -m pytest -m long --hypothesis-profile=default $(PYTEST_ARGS) || status=$$?; $(call NO_TESTS_YET,long); exit $$status

bench: $(DEV) ## Every benchmark of bench/
	@set -e; found=no; for file in bench/bench_*.py; do \
		if [ -e "$$file" ]; then found=yes; echo "== $$file"; $(BIN)/python "$$file"; fi; \
	done; [ $$found = yes ] || echo "bench: there is no bench/bench_*.py yet: NOTHING was measured"

lock: $(DEV) ## Write the locks anew from pyproject.toml (UPGRADE=--upgrade: with the newest versions)
	$(COMPILE) --group build pyproject.toml --output-file requirements.lock
	$(COMPILE) --group build --extra dev --constraint requirements.lock pyproject.toml --output-file requirements-dev.lock

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" $(UPGRADE)

clean: ## Remove everything that make has made, the virtual environment included
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first interpreter that is new enough and can make virtual environments; a name that is a mere shim is tried, too.
$(BIN)/python:
	@for candidate in $(PYTHON) $(if $(PYTHON),,python3.11 python3 python3.12 python3.13 python3.14 python); do \
		if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "setting up $(VENV) with $$candidate"; exec "$$candidate" -m venv $(VENV); \
		fi; \
	done; echo "no Python >= 3.11 with venv found: install one, or name one with PYTHON=/path/to/python3" >&2; exit 1

$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
