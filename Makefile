# Every verb that a person or the build machine needs. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

UV_VERSION := 0.13.8
BIN := .venv/bin
export REAL_DATA ?= $(abspath ../shared/data)
export FIXTURES ?= $(abspath ../shared/fixtures)
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv

.PHONY: help setup demo demo-real test campaign check lint types imports conformance truth parity golden bench bench-download bench-overfitting bench-range services docs clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1\t/' | expand -t 20

setup: .venv/.ready ## make .venv with everything in it

.venv/.ready: pyproject.toml uv.lock
	@python=; for name in $${PYTHON:-} python3.13 python3.12 python3.11 python3; do \
	  if "$$name" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; \
	  then python="$$name"; break; fi; done; \
	if [ -z "$$python" ]; then \
	  echo "setup needs Python 3.11, 3.12 or 3.13 with venv (Debian: apt-get install python3 python3-venv)" >&2; exit 2; fi; \
	[ -x $(BIN)/python ] || "$$python" -m venv .venv; \
	[ "$$($(BIN)/uv --version 2>/dev/null | cut -d' ' -f2)" = "$(UV_VERSION)" ] || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); \
	$(BIN)/uv sync --quiet --frozen --compile-bytecode --all-extras
	@touch $@

demo: setup ## the main job on a seeded market: download, verify, backtest, report
	@$(BIN)/python examples/demo.py

demo-real: setup ## the main job on the real BTCUSDT minutes in REAL_DATA
	@$(BIN)/python examples/demo_real.py

test: setup ## every test
	@$(BIN)/python -m pytest -q --numprocesses auto --maxprocesses 4 --dist loadfile --durations 10

campaign: setup ## the property tests with new random examples
	@HYPOTHESIS_PROFILE=random $(BIN)/python -m pytest -q tests

check: lint types imports test ## what to run before a push

lint: setup ## style and mistakes
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: setup ## mypy --strict
	@$(BIN)/mypy

imports: setup ## who may import whom
	@$(BIN)/lint-imports

conformance: setup ## every real client against the exchange, and ccxt's own live tests
	@$(BIN)/python -m pytest -q tests/conformance -m "conformance or not conformance"
	@$(BIN)/python tests/conformance/harness.py

truth: setup ## ten thousand random sequences of commands to the exchange
	@TRUTH_SEQUENCES=10000 $(BIN)/python -m pytest -q tests/exchange/test_core_truth.py

parity: setup ## compiled, plain and reference runs agree
	@$(BIN)/python -m pytest -q tests/engine/test_parity.py

golden: setup ## rewrite the golden results; read the difference before you commit it
	@UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q tests/engine/test_golden.py

bench: setup ## speed against the peers, in one run, written to bench/RESULTS.md
	@$(BIN)/python bench/run.py

bench-download: setup ## pace, resumption and faults of the downloader against the local exchange
	@$(BIN)/python bench/download.py

bench-overfitting: setup ## how many strategies without an edge pass the deflated Sharpe test, and how many with one
	@$(BIN)/python bench/overfitting.py

bench-range: setup ## how often the truth lies inside the range of outcomes, on paths whose every second is known
	@$(BIN)/python bench/range_coverage.py

services: ## install the servers and the browser that tests of pages and stores use (Debian, as root)
	@apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium

docs: setup ## rewrite the generated pages under docs
	@$(BIN)/python docs/generate.py

clean: ## remove what the verbs made
	@rm -rf .venv .venv-bench .venv-conformance demo-out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
