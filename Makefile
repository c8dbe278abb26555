# Every command of the project. `make run` needs Python 3.11 or later and make; nothing else.

.PHONY: help setup run check test soak bench stack deploy destroy pins catalogues system-packages
.DEFAULT_GOAL := help

VENV := .venv
PY := $(VENV)/bin/python
CHECKOV := $(VENV)/checkov
MARIADBD := /usr/sbin/mariadbd
CATALOGUES := $(wildcard */locales/*/LC_MESSAGES/*.po)
NEEDED := $(VENV)/installed $(CATALOGUES:.po=.mo)

help:
	@echo "make setup   everything that running, testing and measuring needs, into $(VENV)/"
	@echo "make run     serve on one machine: http://localhost:8000 (PORT), data in .data/ (DATA_DIR)"
	@echo "make check   style, types, and which folder may import which"
	@echo "make test    check, then all tests"
	@echo "make soak    10 000 guests in the AWS edition, whose processes are killed at random"
	@echo "make bench   measure, and print the table of docs/performance.md"
	@echo "make pins    make requirements*.txt anew from pyproject.toml"
	@echo "make stack   the AWS edition on this machine: http://localhost:8000 (PORT)"
	@echo "make deploy  put the AWS edition up, or bring it up to date (STAGE)"
	@echo "make destroy take it down (STAGE)"
	@echo "make catalogues  bring the sentences that are translated to each language's catalogue"

setup: $(NEEDED) $(CHECKOV)/installed

$(VENV)/bin/pip:
	@for python in python3.11 python3 python; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Queue Manager needs Python 3.11 or later; python3 here is: $$(python3 --version 2>&1)." >&2; exit 1; \
	fi; \
	$$found -m venv $(VENV)

$(VENV)/installed: requirements-dev.txt | $(VENV)/bin/pip
	@echo "Installing the packages of requirements-dev.txt into $(VENV)/ ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@

# The scanner of the templates wants other versions of what we use. Nobody who serves a line has to wait for it.
$(CHECKOV)/installed: requirements-checkov.txt | $(VENV)/installed
	@echo "Installing checkov into $(CHECKOV)/ ..."
	@$(PY) -m venv --without-pip $(CHECKOV)
	@$(PY) -m pip --python $(CHECKOV)/bin/python install --quiet --disable-pip-version-check --no-deps \
	  --requirement requirements-checkov.txt
	@touch $@

%.mo: %.po | $(VENV)/installed
	@$(VENV)/bin/pybabel --quiet compile --input-file $< --output-file $@

run: $(NEEDED)
	@exec $(PY) -m local

check: setup
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# MariaDB and Chromium for the tests and MariaDB for the measurements, unless they are there.
system-packages:
	@missing=; \
	command -v mariadbd >/dev/null || [ -x $(MARIADBD) ] || missing="$$missing mariadb-server"; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
	  echo "Please install$$missing first (Debian: sudo apt-get install --no-install-recommends$$missing)." >&2; exit 1; \
	fi; \
	echo "Installing$$missing ..."; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing

# They start two hundred interpreters, which is slow where nothing that Python compiles may be kept.
test: check system-packages
	env -u PYTHONDONTWRITEBYTECODE $(PY) -m pytest -n 4 --dist loadfile --no-loadscope-reorder

soak: setup system-packages
	$(PY) -m tests.soak

bench: setup system-packages
	$(PY) -m benchmarks

stack: setup system-packages
	@exec $(PY) -m tests.stack

deploy destroy: setup
	@if [ -z "$(STAGE)" ]; then echo "Which one? make $@ STAGE=prod" >&2; exit 2; fi
	@exec $(PY) -m infra.$@ $(STAGE)

pins: $(VENV)/bin/pip
	CUSTOM_COMPILE_COMMAND="make pins" $(VENV)/bin/pip-compile --quiet --strip-extras --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --no-emit-options --output-file requirements.txt pyproject.toml
	CUSTOM_COMPILE_COMMAND="make pins" $(VENV)/bin/pip-compile --quiet --strip-extras --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --no-emit-options --extra dev --constraint requirements.txt \
	  --output-file requirements-dev.txt pyproject.toml
	CUSTOM_COMPILE_COMMAND="make pins" $(VENV)/bin/pip-compile --quiet --strip-extras --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --no-emit-options --output-file requirements-checkov.txt \
	  requirements-checkov.in

catalogues: setup
	@for part in bots web; do \
	  $(VENV)/bin/pybabel --quiet extract --mapping-file babel.cfg --project "Queue Manager" --version 0.1 --no-location \
	    --width 110 --sort-output --copyright-holder "Queue Manager contributors" \
	    --msgid-bugs-address "the project's issues" --output $$part/locales/messages.pot $$part && \
	  $(VENV)/bin/pybabel --quiet update --no-fuzzy-matching --ignore-obsolete --width 110 \
	    --input-file $$part/locales/messages.pot --output-dir $$part/locales || exit 1; \
	done
