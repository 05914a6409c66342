# Every developer command. `make help` lists them; CI runs the same ones.
# PYTHON=python3.11 or python3.13 picks the interpreter; the first one used gets .venv, another .venv-VERSION.

SHELL := /bin/bash
ifndef PYTHON
PYTHON := $(shell scripts/find-python)
endif
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
ifndef VENV
VENV := $(shell scripts/find-venv $(VERSION))
endif
STAMP := $(VENV)/.ready-$(VERSION)
BIN := $(VENV)/bin
DATA ?= $(HOME)/.local/share/reading-room
PORT ?= 4566
CONSOLE_PORT ?= 4567
export PYTHONUNBUFFERED = 1
# Without compiled files every process of a test compiles the product again.
unexport PYTHONDONTWRITEBYTECODE
# One file of tests after the other goes to the worker that is free next (tests/suite/order.py and schedule.py).
SIDE_BY_SIDE := -n auto --dist loadfile --no-loadscope-reorder
PURE := not network and not e2e and not chaos and not fuzz and not boot
# What covers the code that decides (pyproject.toml); mutations of rulesets are left out, as they take minutes when traced.
DECISIONS := tests/iam tests/aws tests/conformance tests/dataplane tests/jobs/test_jobs_state_machine.py \
	--ignore=tests/dataplane/test_dataplane_mutations.py
# What runs with the containers of a VPC on two hosts, too.
ON_TWO_HOSTS := $(addprefix tests/end_to_end/test_e2e_,distributed.py distributed_faults.py distributed_security.py vpc_features.py \
	flow_logs.py endpoint_actions.py jobs.py attacks.py training_endpoint.py)

# The tests of all calls that write. Those of EC2 run on both databases in `make test` (tests/api/conftest.py).
WRITES := $(addprefix tests/iam/test_iam_,accounts.py entities.py groups.py managed_policies.py operations.py sts_roles.py sts_users.py) \
	$(addprefix tests/api/test_,comprehend_jobs.py comprehend_models.py iam_instance_profiles.py logs_exports.py logs_retention.py s3_backend_contract.py) \
	$(addprefix tests/s3/test_s3_,conditional.py listing.py metadata.py tagging.py) tests/logs/test_logs_operations.py \
	$(addprefix tests/kms/test_kms_,keys.py grants.py material.py) \
	$(addprefix tests/extension/test_extension_,end_session.py hosts.py sign_in.py)

.PHONY: help demo up test check audit lint network e2e bench growth quality models fuzz mutants chaos hosts boot docs clean setup console pages pictures site release wheels verify deb lintian image postgresql
.DEFAULT_GOAL := help

help:  ## List the commands
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9]+):[^#]*## */  make \1\t/' | expand -t 20

setup: $(STAMP)  ## Install what is missing: Debian packages (as root), the virtual environment

$(STAMP): pyproject.toml packaging/weights/pyproject.toml requirements.txt requirements-data.txt scripts/setup
	@scripts/setup "$(PYTHON)" "$(VENV)" "$(STAMP)"

demo: $(STAMP)  ## Show it all: one job in an enforced VPC, and the proofs
	@$(BIN)/reading-room demo

up: $(STAMP)  ## Run the product until Ctrl-C
	@$(BIN)/reading-room up --data "$(DATA)" --port "$(PORT)" --console-port "$(CONSOLE_PORT)"

lint: $(STAMP)  ## Style, types, import contracts, bandit
	$(BIN)/ruff check src tests bench models scripts docs/conf.py
	$(BIN)/ruff format --check src tests bench models scripts docs/conf.py
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml src scripts

audit: $(STAMP)  ## Known vulnerabilities of the packages in requirements.txt, and a licence for every file; needs the network
	@[ -x $(VENV)-audit/bin/python ] || $(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/pip install --quiet --require-hashes -r requirements-audit.txt
	$(VENV)-audit/bin/pip-audit --strict --disable-pip --require-hashes --requirement requirements.txt
	$(VENV)-audit/bin/reuse lint --lines

release: $(STAMP)  ## A signed release of this commit in dist/: make release KEY=FILE (docs/releasing.md); needs Node and npm
	@[ -n "$(KEY)" ] || { echo "make release KEY=FILE: the key to sign with (docs/releasing.md)" >&2; exit 1; }
	@$(MAKE) --no-print-directory $(VENV)-release/.ready
	$(VENV)-release/bin/python scripts/release.py build dist --key "$(KEY)"

wheels: $(STAMP)  ## Only the wheels and source archives of this commit, without a signature, in build/wheels
	$(BIN)/python scripts/release.py packages build/wheels

deb: $(STAMP)  ## A Debian package of this commit in dist/deb (docs/operations/install-debian.md); WHEELS=FOLDER PYTHON_DEB=python3.13
	$(BIN)/python scripts/deb.py dist/deb $(if $(WHEELS),--wheels "$(WHEELS)") $(if $(PYTHON_DEB),--python "$(PYTHON_DEB)")

lintian: deb  ## What lintian finds in the Debian package: nothing, or this fails; needs lintian
	lintian --fail-on error,warning dist/deb/reading-room_*.deb

image: deb  ## An OCI image of the Debian package in dist/image (docs/operations/install-image.md); needs mmdebstrap
	$(BIN)/python scripts/image.py dist/deb/reading-room_*.deb dist/image

verify: $(VENV)-release/.ready  ## Verify a release: make verify RELEASE=FOLDER KEY=FILE.pub
	@$(VENV)-release/bin/python scripts/release.py verify "$(RELEASE)" --key "$(KEY)"

$(VENV)-release/.ready: requirements-release.txt
	@[ -x $(VENV)-release/bin/python ] || $(PYTHON) -m venv $(VENV)-release
	$(VENV)-release/bin/pip install --quiet --require-hashes -r requirements-release.txt
	@touch $@

check: lint  ## Lint, types, import contracts, bandit, pure and API tests, coverage of the code that decides
	$(BIN)/pytest -q $(SIDE_BY_SIDE) -m "$(PURE)"
	$(BIN)/pytest -q $(SIDE_BY_SIDE) -m "$(PURE)" --cov --cov-report=term $(DECISIONS)

test: $(STAMP)  ## Everything that belongs to a change (15 to 20 minutes on two cores)
	@$(BIN)/pytest -q $(SIDE_BY_SIDE) --durations=10 -m "not chaos and not fuzz and not boot"
	@echo "All tests passed. Next: make demo shows the product at work; make up runs it."

postgresql: $(STAMP)  ## The tests of all calls that write, on PostgreSQL instead of SQLite
	READING_ROOM_TEST_DATABASE=postgresql $(BIN)/pytest -q $(SIDE_BY_SIDE) -m "$(PURE)" $(WRITES)

network: $(STAMP)  ## The tests that need a real kernel: namespaces, nftables, containers
	$(BIN)/pytest -m "network and not chaos and not fuzz"

e2e: $(STAMP)  ## The tests that start the whole product
	$(BIN)/pytest -m "e2e and not chaos"

bench: $(STAMP)  ## Measure; results go to bench/RESULTS.md
	$(BIN)/python -m bench

quality: $(STAMP)  ## Score the engines on public test sets; fails below a floor; figures go to docs/quality.md
	$(BIN)/python -m bench.quality

models: $(STAMP)  ## Train the shipped weights again: fetches corpora and torch, hours of one core
	@[ -x $(VENV)-models/bin/python ] || $(PYTHON) -m venv $(VENV)-models
	$(VENV)-models/bin/pip install --quiet --require-hashes -r models/requirements.txt
	$(VENV)-models/bin/pip install --quiet --require-hashes --no-deps --ignore-requires-python -r requirements-data.txt
	$(VENV)-models/bin/pip install --quiet --no-deps --no-build-isolation -e . -e packaging/weights
	$(VENV)-models/bin/python -m models

fuzz: $(STAMP)  ## Property tests with many times the examples, then each parser guided by coverage; FUZZ_SECONDS=600 TARGETS="dns xml"
	READING_ROOM_HYPOTHESIS=fuzz $(BIN)/pytest -q $(SIDE_BY_SIDE) --timeout=3600 -m "(hypothesis or fuzz) and not network and not e2e and not chaos and not boot"
	READING_ROOM_HYPOTHESIS=fuzz $(BIN)/pytest -q --timeout=3600 -m "network and fuzz"
	@[ -d $(VENV)-fuzz/atheris ] || $(BIN)/pip install --quiet --require-hashes --target $(VENV)-fuzz -r requirements-fuzz.txt
	PYTHONPATH=$(VENV)-fuzz $(BIN)/python -m tests.fuzz $(TARGETS)

mutants: $(STAMP)  ## Change the decision code at random, and see what the tests notice (half an hour); MUTANTS="--seed 7 --count 50"
	@[ -x $(VENV)-mutants/bin/python ] || $(PYTHON) -m venv $(VENV)-mutants
	$(VENV)-mutants/bin/pip install --quiet --require-hashes -r requirements-mutants.txt
	$(BIN)/python scripts/mutants.py --tool $(VENV)-mutants/bin/python $(MUTANTS)

growth: $(STAMP)  ## Measure growth in documents, jobs, interfaces, objects (half an hour each); figures go to docs/growth.md
	$(BIN)/python -m bench growth
	$(BIN)/python scripts/plots.py

chaos: $(STAMP)  ## kill -9 of every process at every phase, and the APIs on PostgreSQL, also with two processes in turn; CHAOS_FAULTS=300 CHAOS_HOST_FAULTS=100 CHAOS_SEED=7 for long mixes at random
	$(BIN)/pytest -m chaos
	READING_ROOM_TEST_DATABASE=postgresql $(BIN)/pytest -q $(SIDE_BY_SIDE) -m "$(PURE)" tests/api tests/iam tests/logs tests/comprehend tests/s3
	READING_ROOM_TEST_DATABASE=postgresql READING_ROOM_TEST_PROCESSES=2 $(BIN)/pytest -q $(SIDE_BY_SIDE) -m "$(PURE) and not one_process" tests/api tests/iam tests/s3 tests/logs

hosts: $(STAMP)  ## Two and three hosts on this machine: jobs that span them, losses, and jobs and VPCs end to end on two hosts (root, wireguard-go)
	$(BIN)/pytest -q tests/end_to_end/test_e2e_two_hosts.py tests/end_to_end/test_e2e_servers_and_hosts.py tests/end_to_end/test_e2e_host_demo.py tests/end_to_end/test_e2e_plain_hosts.py tests/end_to_end/test_e2e_host_units.py tests/end_to_end/test_e2e_hosts_and_time.py
	READING_ROOM_TEST_HOSTS=2 $(BIN)/pytest -q -m "not chaos" $(ON_TWO_HOSTS)

boot: $(STAMP)  ## The pages for systemd and installation, typed on machines of their own: root, and systemd with its session packages
	$(BIN)/pytest -m boot

docs: $(STAMP)  ## Write the generated pages of docs/reference, and the plots of docs/kinds and docs/growth
	$(BIN)/python scripts/reference.py
	$(BIN)/python scripts/plots.py

site: $(STAMP)  ## Build the documents as a site into build/site
	$(BIN)/sphinx-build -W --keep-going -q -b html -d build/doctrees -c docs . build/site
	@echo "Open build/site/docs/index.html"

console: console/node_modules/.ready  ## Check and build the console's page from console/; needs Node 20 and npm
	cd console && npm run --silent check && npm test --silent && npm run --silent build

pages: $(STAMP) console/node_modules/.ready  ## The console's pages in Chromium, against the whole product; pictures go to console/test-results
	cd console && READING_ROOM="$(abspath $(BIN))/reading-room" npx playwright test

pictures: $(STAMP) console/node_modules/.ready  ## Take the pictures of docs/pictures anew; needs Chromium
	@mkdir -p docs/pictures
	cd console && PICTURES="$(abspath docs/pictures)" READING_ROOM="$(abspath $(BIN))/reading-room" npx playwright test pictures.spec.ts

console/node_modules/.ready: console/package-lock.json
	cd console && npm ci --no-audit --no-fund
	@touch $@

clean:  ## Remove what was built here (not your data)
	rm -rf .venv .venv-* build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf console/node_modules console/test-results console/playwright-report
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
