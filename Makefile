# The two commands that matter: make train, make test. Both set up .venv first, once.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# The TFLite runtime under its old name needs NumPy 1 and Python 3.11: an environment of its own.
OLD := .venv-tflite-runtime
OLD_READY := $(OLD)/.ready
# The lowest versions that pyproject.toml allows.
LOWEST := .venv-lowest

.DEFAULT_GOAL := help
.PHONY: help setup train test test-fast test-lowest lint types docs bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# librosa compiles its loops when it is first imported: here once, not in every process of the tests.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else \
	"genrecls: expected Python 3.11 to 3.13, received %d.%d; name another with: make PYTHON=python3.12" % v)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -c 'from librosa.feature import melspectrogram'
	@touch $(READY)

# Elsewhere the tests that use it say that they are skipped, and why.
$(OLD_READY): pyproject.toml | $(READY)
	@if $(BIN)/python -c 'from sys import *; exit((version_info[:2], platform) != ((3, 11), "linux"))'; then \
	set -e; $(BIN)/python -m venv $(OLD); \
	$(OLD)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[tflite-runtime]'; \
	touch $(OLD_READY); fi

setup: $(READY) ## make .venv and install genrecls into it

train: $(READY) ## train the default model on the built-in, generated data
	$(BIN)/genrecls train

# Each of two processes begins with half of the tests and then takes over from the other. They have a
# core each, which threads of NumPy's libraries would only fight for; and the tests start a hundred
# processes, which need not compile the same modules again.
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= \
	$(BIN)/python -m pytest -n 2 --dist worksteal

test: $(READY) $(OLD_READY) ## run all tests
	$(PYTEST) $(TEST_OPTIONS)

test-fast: $(READY) ## run the tests that need neither TensorFlow nor a process of their own
	$(PYTEST) -m 'not tensorflow and not process'

# pip can only install the newest ones. Compiled beforehand, for a package may hold what Python warns of.
test-lowest: ## run the tests of test-fast with the lowest versions of all dependencies
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(LOWEST)/bin/uv pip install --quiet --compile-bytecode --system-certs --python $(LOWEST)/bin/python --resolution lowest-direct --editable '.[dev]'
	$(LOWEST)/bin/python -m pytest -n 2 --dist worksteal -m 'not tensorflow and not process' $(TEST_OPTIONS)

lint: $(READY) ## check style, formatting and the floors of the code
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo

types: $(READY) ## check types
	$(BIN)/mypy

docs: $(READY) ## build the documentation site into build/docs; a warning is an error
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs

bench: $(READY) ## measure feature extraction against the plain loop
	$(BIN)/python scripts/bench_features.py

clean: ## remove the environments and caches; data/ and outputs/ stay
	rm -rf .venv $(OLD) $(LOWEST) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* coverage.json
