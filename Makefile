# The same verbs everywhere. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin

.PHONY: help install up down demo test check itest ktest e2e bench peers soak fuzz gen docs clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  \033[36mmake %-9s\033[0m %s\n", $$1, $$2}'

install: ## install and build whatever is missing
	@sh cli/install.sh

up: install ## start everything on this machine; Ctrl-C stops it
	@exec $(BIN)/weir up

down: ## stop everything that `make up` started; the data stays
	@if [ -x $(BIN)/weir ]; then $(BIN)/weir down; else echo "Weir is not up."; fi

demo: install ## make a little known traffic and show what Weir saw of it
	@$(BIN)/weir demo

test: install ## every test that this machine can run; says which were skipped and why
	@$(BIN)/python tests/run.py

check: install ## format, lint, types, walls, unit tests
	@$(BIN)/python tests/run.py check unit

itest: install ## tests with real PostgreSQL and the real ClickHouse engine
	@$(BIN)/python tests/run.py integration

ktest: install ## tests with the real kernel: needs root
	@$(BIN)/python tests/run.py kernel

e2e: install ## tests with all processes
	@$(BIN)/python tests/run.py e2e

bench: install ## figures, each with its baseline in the same run; writes build/bench.json
	@$(BIN)/python -m tests.bench

peers: install ## build or install the programs that the figures are compared with
	@$(BIN)/python -m tests.bench.peers

soak: install ## an hour of mixed traffic, every packet accounted for; needs root, MINUTES=3 for less
	@$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),60)

fuzz: install ## throw bytes at whatever reads untrusted ones, for minutes
	@$(BIN)/python tests/run.py fuzz

gen: install ## make the generated files again (wire, native columns, reference docs)
	@$(BIN)/python libs/wire/generate.py
	@$(BIN)/python -m libs.tables.rust
	@$(BIN)/python -m docs.generate

docs: gen ## the same: the reference pages are generated

clean: ## remove everything that was built or installed here; data in .weir stays
	@rm -rf .venv build native/target .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
