# Everything a newcomer needs, on a machine with git, make, Python 3.11 and pip.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up
VIEW := build/view/titleshot
ROOMS := datasets detectors pipelines registry reports
export NUMBA_CACHE_DIR := $(CURDIR)/build/numba-cache
export MLFLOW_DISABLE_TELEMETRY := true
export GX_ANALYTICS_ENABLED := false

.PHONY: help setup demo test check format lint types layers fast notebook bench benchmarks truth lock

help:
	@echo "make demo   the whole way on the synthetic platform (sets itself up)"
	@echo "make test   every test, the slow ones too (sets itself up); TIER=slow for those make check leaves out"
	@echo "make check  format, lint, types, layers, fast tests"
	@echo "make truth  intervals and judge on pairs whose truth is known, into reports/TRUTH.md"
	@echo "make bench  benchmarks as ratios, NAME=... for one"
	@echo "make benchmarks  public labelled data in TITLESHOT_DATA, into reports/BENCHMARKS.md"

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "titleshot needs Python 3.11 or newer, got %d.%d; set PYTHON=python3.11" % sys.version_info[:2])'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	mkdir -p $(VIEW)
	for room in $(ROOMS); do ln -sfn ../../../$$room $(VIEW)/$$room; done
	touch $(STAMP)

demo: setup
	$(BIN)/titleshot demo --out build/demo

format: setup
	$(BIN)/ruff format --check .

lint: setup
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy $(addprefix -p titleshot.,$(ROOMS))

layers: setup
	PYTHONPATH=build/view $(BIN)/lint-imports --no-cache

fast: setup
	$(BIN)/pytest -q -n 2 -m "not slow"

check: format lint types layers fast

test: setup
	$(BIN)/pytest -q -n 2 $(if $(TIER),-m "$(TIER)")

notebook: setup
	$(BIN)/jupyter execute --inplace notebooks/*.ipynb

bench: setup
	$(BIN)/python -m titleshot.pipelines.bench $(if $(NAME),--name $(NAME))

benchmarks: setup
	$(BIN)/titleshot benchmarks --out reports/BENCHMARKS.md

truth: setup
	$(BIN)/python -m titleshot.pipelines.truth

lock: setup
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --all-extras --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --upgrade --output-file requirements.lock
