# make demo: install, then prepare a real dataset, train, evaluate and recommend.
# make test: install, then lint, type-check and test; by fewer processes with PROCESSES=2.
# make quick: lint, types and the fast tests, under a minute.
# make bench: install, then compare times with a textbook implementation, and kernels with their twins.
# make reproduce: the figures of docs/accuracy.md, for hours; FILES=FOLDER has ml-1m.txt and the files of S3-Rec.
# make torture: kill real commands at random times and check their files.
# make fuzz: strange files of every kind, by every command that reads them, for MINUTES=30.
# make fuzz-service: 10,000 requests from the service's own OpenAPI, most of them malformed; other numbers with REQUESTS=500.
# make fuzz-cases: the tests of hostile files with many more cases, and every fault at every step of a write, for hours; fewer with CASES=2000.
# make dist-check: build sdist and wheel, install the wheel elsewhere, run the four commands there.
# make docs: build the site in build/site; warnings and links that lead nowhere are errors.
# make refresh: run the commands of the documents again, and write their outputs and the picture.
# make peers: install RecTools, which `make bench` then measures too.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

CASES    ?= 20000
REQUESTS ?= 10000
MINUTES  ?= 30
FILES    ?= .
PROCESSES ?= 3

.PHONY: demo test quick bench reproduce torture fuzz fuzz-cases fuzz-service dist-check docs refresh peers install lint types pytest clean

demo: $(VENV)/.installed
	$(BIN)/seqrec prepare ml-100k
	$(BIN)/seqrec train --config demo
	$(BIN)/seqrec evaluate --k 10
	$(BIN)/seqrec recommend --user 42 --topk 10

test: lint types pytest

quick: lint types
	$(BIN)/python -m pytest -n 2 -m "not slow" tests/core tests/test_boundaries.py tests/test_app.py tests/test_readme.py

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks.bench
	$(BIN)/python -m benchmarks.kernels

# Trainings that are finished are not trained again, so it goes on where it stopped.
reproduce: $(VENV)/.installed
	$(BIN)/seqrec prepare ml-100k
	$(BIN)/seqrec prepare ml-latest-small --min-user-count 1 --min-item-count 1
	$(BIN)/seqrec experiment configs/grids/movielens.yaml
	$(BIN)/seqrec experiment configs/grids/times.yaml
	$(BIN)/seqrec prepare $(FILES)/ml-1m.txt --name ml-1m
	$(BIN)/seqrec experiment configs/grids/ml-1m.yaml
	$(BIN)/seqrec prepare $(FILES)/Beauty.txt
	$(BIN)/seqrec prepare $(FILES)/Beauty.txt --items-file $(FILES)/Beauty_item2attributes.json --name Beauty-items
	$(BIN)/seqrec prepare $(FILES)/Sports_and_Outdoors.txt --name Sports
	$(BIN)/seqrec prepare $(FILES)/LastFM.txt
	$(BIN)/seqrec experiment configs/grids/s3rec.yaml

torture: $(VENV)/.developer
	$(BIN)/python -m tests.torture

fuzz: $(VENV)/.developer
	$(BIN)/python -m tests.fuzz $(MINUTES)

fuzz-cases: $(VENV)/.developer
	SEQREC_FUZZ=$(CASES) $(BIN)/python -m pytest tests/test_hostile_logs.py tests/test_hostile_runs.py tests/test_faults.py tests/core/data/test_interactions.py

fuzz-service: $(VENV)/.developer
	$(PIP) install --quiet --constraint constraints.txt --group fuzz
	$(BIN)/python -m tests.fuzz_service $(REQUESTS)

# With torch and everything else from the index, as a person would install it.
dist-check: $(VENV)/.developer
	SEQREC_DIST_CHECK=fresh $(BIN)/python -m pytest tests/test_installed.py

docs: $(VENV)/.developer
	$(BIN)/python -m docsite site

refresh: $(VENV)/.developer
	$(BIN)/python -m docsite refresh

# RecTools 0.19 needs NumPy 1 and seqrec NumPy 2, so it runs in a separate environment.
peers: .venv-peers/.installed

.venv-peers/.installed: constraints.txt
	test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet "$$(grep ^torch== constraints.txt)"
	.venv-peers/bin/python -m pip install --quiet "rectools[torch]==0.19.0"
	touch $@

install: $(VENV)/.installed

lint: $(VENV)/.developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.developer
	$(BIN)/mypy --strict seqrec_cli benchmarks docsite

# More processes than cores may do: tests also wait, for files and child processes.
pytest: $(VENV)/.developer
	$(BIN)/python -m pytest -n $(PROCESSES) --dist worksteal

# The marker files are written last, so that an interrupted installation starts again.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "seqrec needs Python 3.11 or newer: make PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt --upgrade pip
	$(PIP) install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.developer: $(VENV)/.installed
	$(PIP) install --quiet --constraint constraints.txt --group dev
	touch $@

clean:
	rm -rf build $(VENV) .venv-peers .mypy_cache .pytest_cache .ruff_cache .hypothesis
