# On a fresh machine with Python 3.11 or newer: `make run` shows the hub at work, `make test` proves it.
# Everything they need is installed into .venv; remove that folder to begin again.

PYTHON = $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
LOG := .venv/install.log
MISSING := Regulars needs Python 3.11 or newer, and found none. Install it, then run this again.

.PHONY: run test faults check bench install lock

run: install
	@exec $(BIN)/hub up --practice

# Tests of many processes mostly wait, and share the machine with no others.
ALONE := tests/bench tests/browser tests/faults tests/machines tests/reliability tests/test_procfile.py

# What is tried in a browser needs Chromium, which only a system's own package manager installs.
CHROMIUM = { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null

test: install
	@$(CHROMIUM) || { test "$$(id -u)" = 0 && echo "Installing Chromium for the tests in a browser …" && \
		apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core >/dev/null; } || \
		echo "Chromium is not here and cannot be installed by this user: nothing is tried in a browser."
	@$(BIN)/pytest -n auto --maxprocesses=4 $(addprefix --ignore=,$(ALONE))
	@$(BIN)/pytest -n 3 --dist loadfile $(ALONE)

# Real processes under faults, from fresh seeds: `make faults SEEDS=50`; `make faults SEED=123 KIND=cluster` repeats one.
faults: install
	@$(BIN)/python -m tests.faults --seeds $(or $(SEEDS),10) $(if $(SEED),--seed $(SEED)) $(if $(KIND),--kind $(KIND)) \
		$(if $(REAL),--real)

check: install
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

bench: install
	@$(BIN)/hub bench

install: .venv/.installed

.venv/.installed: requirements.lock pyproject.toml
	@echo "Installing Regulars into .venv (a minute the first time) …"
	@if ! $(BIN)/python -c 'import pip, ssl' 2>/dev/null; then \
		test -n "$(PYTHON)" || { echo "$(MISSING)" >&2; exit 1; }; \
		$(PYTHON) -m venv --clear .venv; \
	fi
	@$(BIN)/python -m pip install -q --no-compile --require-hashes -r requirements.lock >$(LOG) 2>&1 \
		&& $(BIN)/python -m pip install -q --no-deps --no-build-isolation -e . >>$(LOG) 2>&1 \
		|| { cat $(LOG) >&2; echo "The installation failed, for the reason above." >&2; exit 1; }
	@touch $@
	@echo "Installed."

# One lock for every machine, as uv resolves for all of them at once. `make lock UPGRADE=1` takes newer versions.
lock:
	@test -x .venv/lock/bin/uv || { $(PYTHON) -m venv .venv/lock && .venv/lock/bin/pip install -q uv; }
	@.venv/lock/bin/uv pip compile -q --universal --python-version 3.11 --extra dev --generate-hashes $(if $(UPGRADE),--upgrade) \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.lock
	@echo "requirements.lock is up to date."
