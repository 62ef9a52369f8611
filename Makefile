# The whole developer interface. `python3 dev.py <verb>` is the same where there is no make.
.PHONY: help setup demo test lint soak mutants bench docs
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

setup: ## install what `meltano run` needs into .venv
	@python3 dev.py setup

demo: ## two simulated CRMs into output/warehouse.duckdb, twice, and what happened
	@python3 dev.py demo

test: ## lint, then every test
	@python3 dev.py test

lint: ## ruff and mypy --strict
	@python3 dev.py lint

soak: ## the long proofs
	@python3 dev.py soak

mutants: ## put defects into the packages: does a test notice each?
	@python3 dev.py mutants

bench: ## measure against the limit and the peers
	@python3 dev.py bench

docs: ## regenerate the generated tables of the documents
	@python3 dev.py docs
