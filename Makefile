# make test and make demo need python3 (3.11 or newer) with its venv module, and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
# What is not there yet is left out.
PYTHON_SOURCES := $(wildcard src tests scripts benchmarks)

.DEFAULT_GOAL := help
.PHONY: help env demo test faults check format bench serve lock clean

help:
	@echo 'make demo     try ImaLink on generated photos'
	@echo 'make test     run every test; says what was skipped and why'
	@echo 'make faults   the long form of the fault programme: all kills, errors and power cuts; takes hours'
	@echo 'make check    formatting, lint, types, layers, documentation'
	@echo 'make format   put the formatting right'
	@echo 'make bench    measure'
	@echo 'make serve    the REST API on http://localhost:8000, to this machine alone'
	@echo 'make env      only set up .venv'
	@echo 'make lock     resolve requirements.lock anew, after a change of dependencies in pyproject.toml'
	@echo 'make clean    remove .venv and caches'

env: $(STAMP)
	@:

# The stamp is written last, so an interrupted set-up starts over.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo 'ImaLink needs Python 3.11 or newer, but "$(PYTHON)" is: '"$$($(PYTHON) --version 2>&1 || true)" >&2; \
	    echo 'Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)' >&2; exit 1; }
	@echo 'Setting up $(VENV) (once; needs the network)'
	@rm -f $@
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || { \
	    echo 'Could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

demo: env
	@$(BIN)/python scripts/demo.py

test: env
	@$(BIN)/python -m pytest -n 2

faults: env
	@IMALINK_FAULTS_ALL=1 IMALINK_ROT_CASES=10000 IMALINK_FUZZ_EXAMPLES=20000 IMALINK_STORM_SEEDS=200 \
	    $(BIN)/python -m pytest -n 2 tests/crash tests/stateful tests/faults tests/damage/test_rot.py tests/hostile \
	    tests/workflows/test_reindex_storm.py

check: env
	@$(BIN)/ruff format --check --quiet $(PYTHON_SOURCES) || { echo 'Not formatted: run make format' >&2; exit 1; }
	@$(BIN)/ruff check --quiet $(PYTHON_SOURCES)
	@$(BIN)/basedpyright
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(BIN)/python scripts/check_docs.py

format: env
	@$(BIN)/ruff format $(PYTHON_SOURCES)
	@$(BIN)/ruff check --fix $(PYTHON_SOURCES)

bench: env
	@$(BIN)/python -m benchmarks

serve: env
	@$(BIN)/imalink serve

# The resolver lives in an environment of its own, so that it is no dependency of ours.
lock:
	@$(PYTHON) -m venv --clear build/lock
	@build/lock/bin/python -m pip -qq --disable-pip-version-check install uv
	@build/lock/bin/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-header \
	    --no-annotate --upgrade --quiet --output-file requirements.lock

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
