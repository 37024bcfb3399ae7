# Everything a person types here works on a fresh clone with Python 3.11 or newer and a package index.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo stop check test bench clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?=
FROM ?=
IN_PARALLEL := -n 2 --dist loadfile --no-loadscope-reorder  # a file shares what is dear to make

help: ## say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 10

$(VENV)/.installed: pyproject.toml constraints.txt install.sh
	@PYTHON=$(PYTHON) VENV=$(VENV) ./install.sh
	@touch $@

setup: $(VENV)/.installed ## create .venv and install everything, once

demo: setup ## a shop, features, models, a release and a running service (DATA=online_retail_ii FROM=folder)
	@$(BIN)/nextbest demo $(if $(DATA),--data $(DATA)) $(if $(FROM),--from $(FROM))

stop: setup ## stop the service that `make demo` started
	@$(BIN)/nextbest stop

check: setup ## lint, types, layers, fast tests
	@echo "== lint";   $(BIN)/ruff check . && $(BIN)/ruff format --check .
	@echo "== types";  $(BIN)/mypy -n 2
	@echo "== layers"; $(BIN)/lint-imports
	@echo "== fast tests"; HYPOTHESIS_PROFILE=quick $(BIN)/python -m pytest $(IN_PARALLEL) -m "not slow"

test: setup ## all tests
	@$(BIN)/python -m pytest $(IN_PARALLEL) --durations=10

bench: setup ## measure; the figures stand in docs/benchmarks.md
	@$(BIN)/python bench/run.py

clean: ## remove the state of the shop (var); keeps .venv
	rm -rf var
