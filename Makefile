# Charter, one command each: `make` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Set, it makes every process compile Airflow again: twice the time to start.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# `make UV= …` installs with pip although uv is there.
UV ?= $(shell uv --version >/dev/null 2>&1 && echo uv)

.PHONY: help setup demo test test-long bench airflow secrets lock format clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 18

setup: $(INSTALLED) ## install what requirements.lock says into .venv, with uv or pip

$(INSTALLED): requirements.lock pyproject.toml
	@rm -f $@
ifneq ($(UV),)
	$(UV) venv --allow-existing --quiet --python '>=3.11' $(VENV)
	$(UV) pip sync --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
else
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Charter needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@# --no-deps: the lock is whole, and pip before 23.3 looks for the newest of what is asked for with extras.
	$(BIN)/python -m pip install --no-deps --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --no-deps --no-build-isolation --editable .
endif
	@touch $@

demo: setup ## thirteen months of invented traffic through the real nightly run (into build/demo)
	@$(BIN)/python -m deploy.demo $(if $(DAY),--day $(DAY))

test: setup ## style, types, floors, and every test that takes seconds
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -m "not long" --cov --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-long: setup ## the tests that take minutes: kill -9 anywhere, full disks, many days
	$(BIN)/python -m pytest -m long

bench: setup ## how fast, on this machine
	$(BIN)/python -m benchmarks

airflow: setup ## Airflow on this machine, loopback only, until Ctrl-C
	@$(BIN)/python -m deploy.airflow_local

secrets: setup ## the secrets that docker-compose.yml reads, into deploy/secrets
	@$(BIN)/python -m deploy.make_secrets

lock: ## resolve the dependencies again into the two lock files (needs uv)
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --extra dev --extra postgres --upgrade pyproject.toml -o requirements.lock >/dev/null
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --no-annotate --extra postgres -c requirements.lock pyproject.toml \
		-o deploy/requirements.lock >/dev/null

format: setup ## lay the code out
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what work left behind; data/ (an installation's keys and vault) stays
	rm -rf $(VENV) build dist *.egg-info .coverage .hypothesis .import_linter_cache
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
