# make run: serve on $PORT (5000). make test: everything. Both need python3 (3.11 or newer) only.

PYTHON ?= python3
BIN := .venv/bin
# Tests wait for servers for half of their time, so they run side by side.
TESTERS ?= 2

.PHONY: run test lint format bench docs clean

run: .venv/serving
	$(BIN)/flask db upgrade
	$(BIN)/gunicorn "app:create_app()"

test: .venv/testing
	$(BIN)/python -m pytest --numprocesses $(TESTERS) --dist loadfile

lint: .venv/testing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/testing
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/testing
	$(BIN)/python -m bench

# Rewrites the README's tables and answers from the cards, the settings and the code.
docs: .venv/testing
	$(BIN)/python -m docs

clean:
	rm -rf .venv

# Each stamp is older than the list it was installed from as soon as that list changes.
.venv/serving: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what serving needs into .venv: about 0.9 GB, some minutes."
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	touch $@

.venv/testing: .venv/serving requirements-dev.txt requirements-train.txt
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt --requirement requirements-train.txt
	touch $@
