# Everything here needs Python 3.11, make and a package index; the rest is brought along.
#
#   make run      a demonstration: PORT=8000 DATA=data EVENTS=4000 HOST=127.0.0.1
#   make test     check, then the whole suite, with its own PostgreSQL and a Chromium
#   make check    lint, types, import contracts
#   make fix      what lint and the formatter can mend
#   make bench    the benchmarks, with a ledger of a million entries, which alone takes 13 minutes
#   make bench-quick  the same figures at a tenth of the size
#   make profile   where the time of an append, of evidence and of fsck goes, and what could not be saved of it
#   make fraud-bench  frauds planted into an honest season: SEED= EVENTS=10000 (build/fraud-bench.json)
#   make fuzz     a million hostile inputs: SEED= repeats a run, INPUTS=1000000
#   make conservation  random histories of mass against a slow twin: HISTORIES=200000
#   make overload three minutes of ten times the load it lets in: SECONDS=180 CLIENTS=4000
#   make powerloss  the power goes out after every call of a server: STATES=100000 (docs/faults.md)
#   make storage  every call to the disk fails, or is a process's last: EVERY=1
#   make bitflips  every bit of a small ledger is flipped, and must be found: EVERY=1
#   make parity   every verdict the tests ask for, in Python and in JavaScript: EVERY=1
#   make kills    a server under load is killed again and again: CYCLES=100
#   make pauses   one of several processes sleeps in the middle of an append: SLEEP=60
#   make outages  PostgreSQL is stopped under load, again and again: STOPS=100
#   make cuts     the connection to PostgreSQL is cut at each message of the protocol: EVERY=1
#   make races    many sell one lot at the same moment, at two servers: RACERS=64 ROUNDS=1000
#   make migrate  brings the database of DATA or DATABASE_URL to the newest schema
#   make locks    pins the newest versions that pyproject.toml allows

PYTHON ?= $(shell command -v python3.11 || command -v python3)
TESTS ?= tests
INPUTS ?= 1000000
HISTORIES ?= 200000
SECONDS ?= 180
CLIENTS ?= 4000
SEED := $(or $(SEED),$(shell date +%s))
WORKERS ?= 2
STATES ?= 100000
EVERY ?= 1
CYCLES ?= 100
SLEEP ?= 60
STOPS ?= 100
RACERS ?= 64
ROUNDS ?= 1000
FAULTS := tests/ledger/faults
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
UV := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal -p 3.11

.PHONY: run test check fix bench bench-quick profile fraud-bench fuzz conservation overload powerloss storage bitflips parity kills pauses outages cuts races migrate locks clean

run: $(VENV)/server.stamp
	@$(BIN)/traceability demo

test: check
	$(BIN)/python tests/browser.py
	$(BIN)/python $(FAULTS)/preload.py
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(TESTS)

check: $(VENV)/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

fuzz: $(VENV)/dev.stamp
	FUZZ_SEED=$(SEED) FUZZ_INPUTS=$(INPUTS) \
	  $(BIN)/pytest -n $(WORKERS) --dist worksteal tests/fuzz tests/api/test_openapi.py

conservation: $(VENV)/dev.stamp
	HISTORIES=$(HISTORIES) SEED=$(SEED) $(BIN)/pytest -n $(WORKERS) tests/test_conservation.py

overload: $(VENV)/dev.stamp
	OVERLOAD_SECONDS=$(SECONDS) OVERLOAD_CLIENTS=$(CLIENTS) $(BIN)/pytest -s tests/api/test_overload.py

bench: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks

fraud-bench: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.frauds --seed $(SEED) --events $(or $(EVENTS),10000)

bench-quick: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks --quick

profile: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.profiling

powerloss: $(VENV)/dev.stamp
	$(BIN)/python $(FAULTS)/preload.py
	$(BIN)/python $(FAULTS)/powerloss.py --states $(STATES)

storage: $(VENV)/dev.stamp
	$(BIN)/python $(FAULTS)/preload.py
	$(BIN)/python $(FAULTS)/storage.py --every $(EVERY)

bitflips: $(VENV)/dev.stamp
	$(BIN)/python $(FAULTS)/bitflips.py --every $(EVERY)

parity: $(VENV)/dev.stamp
	EVERY=$(EVERY) $(BIN)/pytest -n $(WORKERS) --dist worksteal $$(grep -rl '^from both' tests)

kills: $(VENV)/dev.stamp
	$(BIN)/python $(FAULTS)/killing.py --cycles $(CYCLES)

pauses: $(VENV)/dev.stamp
	PAUSE_SECONDS=$(SLEEP) $(BIN)/pytest -n $(WORKERS) $(FAULTS)/test_paused.py tests/api/test_processes.py

outages: $(VENV)/dev.stamp
	STOPS=$(STOPS) $(BIN)/pytest $(FAULTS)/test_postgres_outages.py

cuts: $(VENV)/dev.stamp
	EVERY=$(EVERY) $(BIN)/pytest -s $(FAULTS)/test_postgres_cuts.py

races: $(VENV)/dev.stamp
	RACERS=$(RACERS) ROUNDS=$(ROUNDS) $(BIN)/pytest tests/api/test_postgres.py -k winner

migrate: $(VENV)/server.stamp
	$(BIN)/traceability migrate

locks: $(VENV)/dev.stamp
	$(UV) --upgrade pyproject.toml --extra server --extra time --extra s3 -o locks/server.txt
	$(UV) --upgrade pyproject.toml --extra server --extra time --extra s3 --group dev -c locks/server.txt -o locks/dev.txt
	$(UV) --upgrade --group build -c locks/dev.txt -o locks/build.txt

clean:
	rm -rf $(VENV) build dist .*_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11: name a newer one with PYTHON=…"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "$(PYTHON) cannot make virtual environments: on Debian, install python3-venv"; exit 1; }

# A stamp says that a lock file is in the environment; the project itself is installed from here,
# with the locked build tools, so nothing unpinned is fetched.
$(VENV)/server.stamp: locks/server.txt locks/build.txt pyproject.toml | $(BIN)/python
	@echo "Installing what the server needs into $(VENV)"
	@$(PIP) --require-hashes -r locks/server.txt -r locks/build.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: locks/dev.txt $(VENV)/server.stamp
	@echo "Installing what the tests need into $(VENV)"
	@$(PIP) --require-hashes -r locks/dev.txt
	@touch $@
