# Two commands do all the set-up: `make serve` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# A file of versions to install, as CI has them: `make test CONSTRAINTS=constraints.txt`; without it the newest that fit.
CONSTRAINTS ?=
INSTALL := $(BIN)/pip install --quiet $(addprefix --constraint ,$(CONSTRAINTS))
INSTALLED := $(VENV)/installed$(addprefix -by-,$(notdir $(CONSTRAINTS)))
INSTALLED_FOR_TESTS := $(VENV)/installed-for-tests$(addprefix -by-,$(notdir $(CONSTRAINTS)))

# Tests start hundreds of programs; where compiled modules are not kept, as in many containers, each compiles all again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: serve test test-long test-all test-clients clients-observed clients-recorded debian check coverage contract documents pictures docs docs-serve bench bench-shards profile soak constraints wheel packages test-wheel clean

serve: $(INSTALLED)
	$(BIN)/mockfoundry serve $(ARGS)

# Every promise in its shortest form: three minutes on two cores, and nothing but Python.
test: $(INSTALLED_FOR_TESTS)
	$(BIN)/pytest -m "not long and not clients" $(ARGS)

# What takes longer or needs more: searches of many examples, wheels in environments of their own, all pairs.
test-long: $(INSTALLED_FOR_TESTS) debian
	$(BIN)/pytest -m "(long or hypothesis) and not clients" --hypothesis-profile=many $(ARGS)

test-all: test test-long

# The same flows with clients that no package registry has: `make test-clients CF=/path/to/cf GO_CFCLIENT=/path/to/checkout`.
# What is not named is skipped, and said to be.
test-clients: $(INSTALLED_FOR_TESTS)
	CF=$(CF) GO_CFCLIENT=$(GO_CFCLIENT) $(BIN)/pytest -m clients tests/clients $(ARGS)

# Has each client that is at hand meet every failure, and keeps what was seen for docs/clients; then `make documents`.
clients-observed: $(INSTALLED_FOR_TESTS)
	CF=$(CF) GO_CFCLIENT=$(GO_CFCLIENT) $(BIN)/python -m tests.clients.at_hand

# Records anew what each client at hand sends, for tests that play it again.
clients-recorded: $(INSTALLED_FOR_TESTS)
	CF=$(CF) GO_CFCLIENT=$(GO_CFCLIENT) $(BIN)/python -m tests.clients.recording

# Debian's packages that long tests need: installed where CI=true, else named.
debian:
	.ci/debian tests/debian-packages.txt

check: $(INSTALLED_FOR_TESTS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	@test -e .coverage \
	&& echo "coverage, branches too, on $$(date -r .coverage +%F): $$($(BIN)/coverage report --format=total) %" \
	|| echo "coverage: not measured here yet; make coverage does"

# The tests again, and how much of the code they run. Costs half as much time again, before Python 3.14.
coverage: $(INSTALLED_FOR_TESTS)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

contract: $(INSTALLED)
	$(BIN)/python -c 'from mockfoundry.contract.load import seal_contracts; seal_contracts()'

documents: $(INSTALLED_FOR_TESTS)
	$(BIN)/python -m tests.update_documents

# Takes the pictures of the console anew, which need Debian's Chromium.
pictures: $(INSTALLED_FOR_TESTS) debian
	$(BIN)/python -m tests.console.pictures

# The documentation site, in build/site; what is wrong with a link or with the order of the pages is an error.
docs: $(INSTALLED_FOR_TESTS)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

docs-serve: $(INSTALLED_FOR_TESTS)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve $(ARGS)

# Each figure beside its aim, in 6 to 12 minutes; `make bench ARGS='--against ../before'` compares two checkouts in 4.
bench: $(INSTALLED_FOR_TESTS)
	$(BIN)/python -m tests.bench $(ARGS)

# What shards behind nginx get through, and what a request costs each of the two.
bench-shards: $(INSTALLED_FOR_TESTS) debian
	$(BIN)/python -m tests.bench.shards $(ARGS)

# What a request costs in bytecodes and calls, which are the same on a busy machine; `make profile ARGS=--keep` keeps them.
profile: $(INSTALLED_FOR_TESTS)
	$(BIN)/python -m tests.bench.counted $(ARGS)

# Many clients of one server for ten minutes, or for others: `make soak ARGS='--minutes 1'`.
soak: $(INSTALLED_FOR_TESTS)
	$(BIN)/python -m tests.soak $(ARGS)

# Writes constraints.txt anew, with the newest of everything that fits; run it with the oldest Python that is supported.
constraints:
	rm -rf build/constraints
	$(MAKE) VENV=build/constraints CONSTRAINTS= build/constraints/installed-for-tests
	echo '# What CI installs; make constraints writes it.' > constraints.txt
	build/constraints/bin/pip freeze --all --exclude setuptools --exclude-editable >> constraints.txt

wheel: $(INSTALLED)
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

# What a release publishes; the same bytes each time, dated by the commit.
packages: $(INSTALLED_FOR_TESTS)
	rm -rf dist
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m hatchling build --directory dist

# The tests again, of the wheel in dist and not of this tree: what it lacks is missed here, and not by its users.
test-wheel: | $(CONSTRAINTS)
	$(PYTHON) -m venv --clear build/wheel
	build/wheel/bin/pip install --quiet --upgrade pip
	build/wheel/bin/pip install --quiet $(addprefix --constraint ,$(CONSTRAINTS)) --group test $$(ls dist/mockfoundry-*.whl)
	build/wheel/bin/pytest -m "not long and not clients" --ignore tests/project $(ARGS)

$(VENV)/bin/python: | $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --upgrade pip

$(INSTALLED): $(VENV)/bin/python pyproject.toml $(CONSTRAINTS)
	$(INSTALL) --editable .
	touch $@

$(INSTALLED_FOR_TESTS): $(INSTALLED) pyproject.toml $(CONSTRAINTS)
	$(INSTALL) --group test --group check --group docs
	touch $@

# The oldest that pyproject.toml promises to work with: `make test CONSTRAINTS=build/lowest.txt`.
build/lowest.txt: pyproject.toml .github/lowest.py
	mkdir -p build
	$(PYTHON) .github/lowest.py > $@

clean:
	rm -rf $(VENV) dist build .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis
