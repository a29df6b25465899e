# The two commands of a newcomer are `make quickstart` and `make test`. Both make .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CONSTRAINED := $(PIP) install --quiet --constraint constraints.txt
TORCH := $(shell sed -n 's/^torch==//p' constraints.txt)

.PHONY: quickstart test check bench prove clean install format

quickstart: $(VENV)/.installed
	$(BIN)/conch quickstart

# two at a time, each on one thread: models here are tiny, and most tests wait for processes;
# what the browser shows is kept in out/pictures
test: check $(VENV)/.browser
	CONCH_TEST_PICTURES="$(CURDIR)/out/pictures" OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

check: $(VENV)/.installed-dev
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# The long proofs: the whole suite, with kill campaigns and fuzzing at full length. Writes docs/proofs.md.
prove: $(VENV)/.installed-dev
	@$(CONSTRAINED) --editable ".[dev,prove]"
	$(BIN)/python -m pytest --prove

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.start_up
	$(BIN)/python -m benchmarks.telling --keep
	$(BIN)/python -m benchmarks.follow --keep
	$(BIN)/python -m benchmarks.data
	$(BIN)/python -m benchmarks.studio

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix src tests benchmarks
	$(BIN)/ruff format src tests benchmarks

install: $(VENV)/.installed

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist out

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "Conch needs Python 3.10 or newer; name one: make PYTHON=python3.11 quickstart"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  || { echo "This Python can't make virtual environments: sudo apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Where there is an NVIDIA GPU, torch as the index serves it (CUDA). Elsewhere the CPU build, if the index has one.
$(VENV)/.torch: constraints.txt | $(VENV)/bin/python
	@if command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L >/dev/null 2>&1; then \
	  echo "Installing torch $(TORCH) for CUDA"; $(CONSTRAINED) torch; \
	else \
	  echo "Installing torch $(TORCH) for the CPU"; \
	  $(PIP) install --quiet "torch==$(TORCH)+cpu" 2>/dev/null || $(CONSTRAINED) torch; \
	fi
	@touch $@

$(VENV)/.installed: pyproject.toml constraints.txt $(VENV)/.torch
	@echo "Installing Conch"
	@$(CONSTRAINED) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing what the tests need"
	@$(CONSTRAINED) --editable ".[dev]"
	@touch $@

# The tests of the studio need a browser: the one that is there, else Debian's, else Playwright's own.
BROWSER := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
ROOTLY := $(shell [ "$$(id -u)" = 0 ] || (sudo -n true 2>/dev/null && echo "sudo -n"))
$(VENV)/.browser: $(VENV)/.installed-dev
	@if [ -n "$(BROWSER)" ]; then \
	  echo "Browser of the tests: $(BROWSER)"; \
	elif { [ "$$(id -u)" = 0 ] || [ -n "$(ROOTLY)" ]; } && command -v apt-get >/dev/null \
	  && $(ROOTLY) apt-get update -qq && $(ROOTLY) apt-get install -y -qq chromium fonts-noto-cjk; then \
	  echo "Installed Debian's Chromium"; \
	elif $(BIN)/python -m playwright install chromium; then \
	  echo "Installed Playwright's Chromium"; \
	else \
	  echo "The tests need a browser: sudo apt-get install chromium"; exit 1; \
	fi
	@touch $@
