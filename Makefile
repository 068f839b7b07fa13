# The two commands of a newcomer are `make nightly` and `make test`; each does its own set-up, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Some machines switch byte code off; importing TensorFlow uncompiled costs three times as much, every time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: nightly test check setup bench clean help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## install into .venv what is pinned in constraints.txt

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "AutoDetect needs Python 3.11 or newer; name one with: make PYTHON=python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (once; about 2.5 GB)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null || true
	@touch $@

nightly: $(STAMP) ## run one night on the bundled sandbox marketplace, into var/
	@$(BIN)/autodetect nightly

test: check system-packages ## run all checks and all tests
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

check: $(STAMP) ## run the linters, the type checker and the layer contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# A real S3 server (Ceph) and a real browser for the tests. Without root or apt they are skipped, and the tests that
# need them say so.
.PHONY: system-packages
system-packages: $(STAMP)
	@deployments/install-test-servers

bench: $(STAMP) ## measure what docs/benchmarks.md says, and rewrite it
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,bench]'
	$(BIN)/python -m benchmarks

clean: ## remove what was installed; var/ (lake, releases) stays
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
