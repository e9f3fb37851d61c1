# On a fresh machine, `make` does everything and `make test` proves it; both need only python3 and make.

PYTHON ?= python3
DATA ?= golden/petshop/recording.om.gz
INCIDENTS ?= golden/petshop/incidents.yaml
REPORT ?= report.html
COUNT ?= 20000
SEED ?= 1

RUN := .venv/bin/python -m
BACKTEST := $(RUN) tocsin backtest specs --data "$(DATA)" --incidents "$(INCIDENTS)" --report "$(REPORT)"
READY := .venv/ready
# A virtual environment survives neither a move nor the loss of its Python; the stamp holds the folder it was made in.
SOUND := $(shell { .venv/bin/python -c 'import os, tocsin; print(open("$(READY)").read() == os.getcwd())'; } 2>/dev/null)

.DEFAULT_GOAL := all
.PHONY: all rules backtest test fuzz bench golden lint references pins clean help force

all: $(READY) ## check and compile specs/ to out/, then backtest them on the recording that ships with the project
	@$(RUN) tocsin check specs
	@$(RUN) tocsin compile specs -o out
	@$(BACKTEST)
	@echo 'The report: $(REPORT)'

rules: $(READY) ## the CI job of a specs repository: check specs/, and fail where out/ is stale
	@$(RUN) tocsin compile specs -o out --check

backtest: $(READY) ## replay specs/ on DATA (and INCIDENTS), and write REPORT
	@$(BACKTEST)

test: $(READY) references ## all the tests, against real Prometheus and Alertmanager where they can be had
	@$(RUN) pytest -n auto --dist loadfile $(PYTEST)

fuzz: $(READY) references ## COUNT random expressions, from SEED, against a live Prometheus 2.42
	@$(RUN) tests.fuzz --count $(COUNT) --seed $(SEED)

bench: $(READY) references ## speed and memory, beside a real Prometheus and a real VictoriaMetrics on the same samples
	@$(RUN) tests.bench

golden: $(READY) ## rewrite the golden files; the review is the git diff
	@$(RUN) pytest --golden $(PYTEST)

lint: $(READY) ## ruff and mypy
	@$(RUN) ruff check compiler tests
	@$(RUN) ruff format --check compiler tests
	@$(RUN) mypy

references: ## the reference programs of the tests, from Debian's packages (as root on Debian)
	@sh tools/references

pins: ## write requirements.txt anew from the ranges in pyproject.toml
	@PYTHON='$(PYTHON)' sh tools/pins

clean: ## remove the virtual environment and what the tools keep
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis report.html compiler/tocsin.egg-info build dist

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 18

$(READY): requirements.txt pyproject.toml $(if $(filter True,$(SOUND)),,force)
	@PYTHON='$(PYTHON)' sh tools/setup

force:
