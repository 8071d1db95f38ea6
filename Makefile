PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test check lock coverage clean

run: .venv/installed ## build the environment and serve on http://localhost:8080
	$(BIN)/gatepost serve

test: .venv/installed-dev ## the whole suite; MySQL and browser tests run where there is a server and a browser
	$(BIN)/pytest -n 2 --cov --cov-report=term $(ARGS)

check: .venv/installed-dev ## style, types, and what may import what
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

lock: .venv/installed-dev ## choose the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes pyproject.toml \
		-o requirements.txt --custom-compile-command "make lock"
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes pyproject.toml --group dev \
		-c requirements.txt -o requirements-dev.txt --custom-compile-command "make lock"

clean: ## remove what the other targets made
	rm -rf .venv .gatepost .coverage* .pytest_cache .mypy_cache .ruff_cache

.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Gatepost needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@
