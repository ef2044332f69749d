# `make help` lists the targets. Everything lives in .venv; nothing outside this folder is changed,
# except that, as root on Debian, missing system packages are installed (scripts/bootstrap,
# scripts/install-test-tools).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := mbuild tests $(wildcard benchmarks) $(wildcard examples/*.py scripts/*.py)

.PHONY: help install demo test check fmt bench bench-catalogue bench-copy soak dist lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 17

install: $(VENV)/.project ## the program at .venv/bin/mbuild, with all that development needs

$(VENV)/.locked: requirements/dev.txt scripts/bootstrap
	PYTHON="$(PYTHON)" scripts/bootstrap $(VENV)
	@touch $@

$(VENV)/.project: $(VENV)/.locked pyproject.toml mbuild/__init__.py
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip --disable-pip-version-check check
	@touch $@

demo: install ## publish the example twice; MBUILD_TARGET=localhost:5000/hello:1.0 sends it to a registry
	@scripts/demo

test: install ## every test, with branch coverage
	scripts/install-test-tools
	$(BIN)/pytest -n auto --dist worksteal --cov --cov-report=term:skip-covered
	$(BIN)/coverage report --include='mbuild/oci/*,mbuild/spec/*' --fail-under=100 --skip-covered

check: install ## judge: ruff, formatting, mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)

fmt: install ## format, and repair what ruff can repair
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: install ## measure; PLOTS="--plots docs" also draws
	$(BIN)/python -m benchmarks $(PLOTS)

bench-catalogue: install ## measure whole catalogues, the largest of 2,000 indexes
	$(BIN)/python -m benchmarks 250 500 1000 2000 $(PLOTS)

bench-copy: install ## measure copies from one registry to another, beside other tools
	$(BIN)/python -m benchmarks.copies

soak: install ## hundreds of pushes through a bad network, or killed: none may leave anything wrong
	$(BIN)/python -m benchmarks.soak

dist: install ## a wheel and a source archive in dist/
	rm -f dist/*.whl dist/*.tar.gz
	$(BIN)/python -m build --no-isolation --outdir dist .

lock: ## renew requirements/dev.txt from pyproject.toml
	PYTHON="$(PYTHON)" scripts/lock --upgrade

clean: ## remove what the other targets made
	rm -rf $(VENV) dist build htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
