# Two commands do all the set-up: `make serve` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: serve test check contract documents bench wheel clean

serve: $(VENV)/installed
	$(BIN)/mockfoundry serve $(ARGS)

test: $(VENV)/installed-for-tests
	$(BIN)/pytest $(ARGS)

check: $(VENV)/installed-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

contract: $(VENV)/installed
	$(BIN)/python -c 'from mockfoundry.contract.load import seal_contracts; seal_contracts()'

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
