# Two commands do all the set-up: `make serve` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: serve test test-long test-all debian check contract documents bench wheel clean

serve: $(VENV)/installed
	$(BIN)/mockfoundry serve $(ARGS)

# Every promise in its shortest form: three minutes on two cores, and nothing but Python.
test: $(VENV)/installed-for-tests
	$(BIN)/pytest -m "not long" $(ARGS)

# What takes longer or needs more: searches of many examples, wheels in environments of their own, all pairs.
test-long: $(VENV)/installed-for-tests debian
	$(BIN)/pytest -m "long or hypothesis" --hypothesis-profile=many $(ARGS)

test-all: test test-long

# Debian's packages that long tests need: installed where CI=true, else named.
debian:
	.ci/debian tests/debian-packages.txt

check: $(VENV)/installed-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

contract: $(VENV)/installed
	$(BIN)/python -c 'from mockfoundry.contract.load import seal_contract; seal_contract()'

documents: $(VENV)/installed-for-tests
	$(BIN)/python -m tests.update_documents

bench: $(VENV)/installed-for-tests
	$(BIN)/python -m tests.bench $(ARGS)

wheel: $(VENV)/installed
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip

$(VENV)/installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/installed-for-tests: $(VENV)/installed pyproject.toml
	$(BIN)/pip install --quiet --group test --group check
	touch $@

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
