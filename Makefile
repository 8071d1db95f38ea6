PYTHON ?= python3
BIN := .venv/bin
PIP_INSTALL = $(BIN)/pip install --disable-pip-version-check --progress-bar off
BENCH ?= quick
LOCK = $(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock"

FUZZ_MINUTES ?= 20
FUZZ_EXAMPLES ?= 300
FUZZ_SEED ?= $(shell $(PYTHON) -c 'import secrets; print(secrets.randbelow(2**32))')

# Where images of others are named, by an exact tag and, once `make images` has run, by the digest behind it.
IMAGE_FILES = Dockerfile docker-compose.yml deploy/compose/compose.yml

.PHONY: run test coverage fuzz faults galera check bench docs screenshots lock images clean

run: .venv/installed ## build the environment and serve on http://localhost:8080
	$(BIN)/gatepost serve

# Some machines disable the bytecode cache; the tests start the service a hundred times and would compile it each time.
test: export PYTHONDONTWRITEBYTECODE =
test: .venv/installed-dev ## the whole suite; MySQL and browser tests run where there is a server and a browser
	$(BIN)/pytest -n 2 --dist worksteal $(ARGS)

coverage: export PYTHONDONTWRITEBYTECODE =
coverage: .venv/installed-dev ## the whole suite, and the lines of the code that it does not reach; it takes twice as long
	$(BIN)/pytest -n 2 --dist worksteal --cov --cov-report=term $(ARGS)

fuzz: .venv/installed-dev ## the tests that send anything at all, up to FUZZ_EXAMPLES=300 of each and never beyond FUZZ_MINUTES=20 and five for starts
	@# Read once, because it has another value at each reading.
	@seed=$(FUZZ_SEED); run="FUZZ_MINUTES=$(FUZZ_MINUTES) FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) FUZZ_SEED=$$seed"; \
	echo "again: make fuzz $$run"; env $$run $(BIN)/pytest -n 2 --dist worksteal --hypothesis-seed=$$seed tests/fuzz $(ARGS)

faults: .venv/installed-dev ## harm done to the service and its database, and races, for longer than in the whole suite
	FAULTS=long $(BIN)/pytest -n 0 tests/faults tests/concurrency $(ARGS)

galera: .venv/installed-dev ## three database nodes that replicate, one of which is killed; needs galera-4 and rsync
	$(BIN)/pytest -n 0 tests/galera $(ARGS)

check: .venv/installed-dev ## style, types, and what may import what
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml deploy/compose/compose.yml

bench: .venv/installed benchmarks/.build/ready ## measure, beside peers and limits; BENCH=quick takes 15 minutes, BENCH=full 100
	benchmarks/.build/venv/bin/python -m benchmarks.bench $(BENCH)

docs: .venv/installed-dev ## write what is made from the code: .env.example, docs/settings.md, docs/ways-in.md
	$(BIN)/gatepost settings --example > .env.example
	$(BIN)/gatepost settings --markdown > docs/settings.md
	$(BIN)/python -m tests.support.matrix > docs/ways-in.md

screenshots: .venv/installed-dev ## take the pictures of the pages in docs/screenshots
	$(BIN)/python -m tests.browser.screenshots

lock: .venv/installed-dev ## choose the newest versions that pyproject.toml allows
	$(LOCK) pyproject.toml --extra server -o requirements.txt
	$(LOCK) --group build -c requirements.txt -o requirements-build.txt
	$(LOCK) pyproject.toml --all-extras --group dev -c requirements.txt -c requirements-build.txt -o requirements-dev.txt

images: ## write behind the tag of each image the digest that it has now; needs Docker and the registry
	@set -e; \
	for image in $$(sed -nE 's/^(FROM|    image:) ([a-z0-9./-]+:[A-Za-z0-9._-]+)(@sha256:\S+)?( AS \S+)?$$/\2/p' $(IMAGE_FILES) | sort -u); do \
		digest=$$(docker buildx imagetools inspect "$$image" --format '{{.Manifest.Digest}}'); \
		echo "$$image@$$digest" | grep -E '@sha256:[0-9a-f]{64}$$'; \
		sed -Ei "s#($$image)(@sha256:[0-9a-f]+)?( |\$$)#\1@$$digest\3#" $(IMAGE_FILES); \
	done

benchmarks/.build/ready: benchmarks/requirements.txt benchmarks/peers/express/package-lock.json benchmarks/peers/better_auth/package-lock.json
	@command -v wrk > /dev/null || { echo "wrk is needed: apt-get install wrk" >&2; exit 1; }
	$(PYTHON) -m venv benchmarks/.build/venv
	benchmarks/.build/venv/bin/pip install -q --disable-pip-version-check -r benchmarks/requirements.txt
	npm ci --silent --prefix benchmarks/peers/express
	npm ci --silent --prefix benchmarks/peers/better_auth
	touch $@

clean: ## remove what the other targets made
	rm -rf .venv benchmarks/.build .gatepost .coverage* .pytest_cache .mypy_cache .ruff_cache

# It takes a minute or more, during which pip shows its progress.
# --no-deps: the lock names every package, and pip must not choose another one where a release was withdrawn since.
.venv/installed: requirements.txt requirements-build.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Gatepost needs Python 3.11 or newer")'
	@echo "Building the environment in .venv, once: about $$(grep -c '==' requirements.txt) packages. It takes a minute or more."
	$(PYTHON) -m venv .venv
	$(PIP_INSTALL) --no-deps --require-hashes -r requirements.txt -r requirements-build.txt
	$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(PIP_INSTALL) --no-deps --require-hashes -r requirements-dev.txt
	touch $@
