# Everything here does its own set-up: a fresh machine needs Python 3.11 or newer and make.
# What the set-up has to say goes to stderr, so that `make demo ARGS='--auto --json' | jq` works.

PYTHON ?= python3
ARGS ?=

LOCKS := infrastructure/locks
BIN := .venv/bin
READY := .venv/.ready
UV := $(BIN)/uv

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help .venv demo up test storm check bench lock clean

help: ## show this
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/'

demo: $(READY) ## play a hospital's morning (ARGS='--auto --json')
	@$(BIN)/almoner demo $(ARGS)

up: $(READY) ## start the laptop stack and keep it running
	@$(BIN)/almoner up $(ARGS)

# Two processes, dealt out by tests/dealing.py. First what is bound by the processor; then what brings servers of its
# own, and waits for them: one process for the whole house, the other for the rest.
test: $(READY) ## all tests but the long ones; ARGS='-m long' for those, ARGS=tests/blocks for some
ifeq ($(strip $(ARGS)),)
	@$(BIN)/pytest -m "not e2e and not long" -n 2 --no-loadscope-reorder
	@$(BIN)/pytest -m "e2e and not long" -n 2 --no-loadscope-reorder
else
	@$(BIN)/pytest $(ARGS)
endif

storm: $(READY) ## lives full of faults on one core, real kills on the other (ARGS='--minutes 60 --seed 1')
	@$(BIN)/python -m tests.storm $(or $(ARGS),--minutes 10)

check: $(READY) ## lint, format, types, architecture
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(READY) ## measure; prints the README's table
	@$(BIN)/python -m tests.bench $(ARGS)

lock: $(READY) ## resolve the dependencies anew
	@$(UV) pip compile $(COMPILE) --python-version 3.11 pyproject.toml -o $(LOCKS)/runtime.txt
	@$(UV) pip compile $(COMPILE) --python-version 3.11 pyproject.toml --group dev -o $(LOCKS)/dev.txt
	@$(UV) pip compile $(COMPILE) --python-version 3.11 $(LOCKS)/uv.in -o $(LOCKS)/uv.txt
	@$(UV) pip compile $(COMPILE) --python-version 3.11 $(LOCKS)/erp.in -o $(LOCKS)/erp.txt
	@$(UV) pip compile $(COMPILE) --python-version 3.11 $(LOCKS)/mining.in -o $(LOCKS)/mining.txt
	@$(UV) pip compile $(COMPILE) --python-version 3.11 $(LOCKS)/ministack.in -o $(LOCKS)/ministack.txt
	@$(UV) pip compile $(COMPILE) --python-version 3.12 $(LOCKS)/stack.in -o $(LOCKS)/stack.txt

COMPILE := --quiet --upgrade --universal --generate-hashes

clean: ## remove caches and test output; keeps .venv and the stack's state
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage* .ci/out build
	@find flows tasks blocks infrastructure tests -name __pycache__ -prune -exec rm -rf {} +

.venv: $(READY) ## the environment alone

# --compile-bytecode: an uncompiled environment doubles what every start of a part costs.
$(READY): $(LOCKS)/dev.txt $(LOCKS)/uv.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Almoner needs Python 3.11 or newer; $(PYTHON) is older or missing. Try make PYTHON=python3.12" >&2; \
	  exit 2; }
	@echo "setting up .venv (once)" >&2
	@{ test -x $(BIN)/python || $(PYTHON) -m venv .venv; } >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCKS)/uv.txt >&2
	@$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r $(LOCKS)/dev.txt >&2
	@$(UV) pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps --editable . >&2
	@touch $(READY)
