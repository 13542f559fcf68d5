# Everything a developer does. Needs Python >= 3.11, make and, where a dependency has no wheel, a C toolchain.
# PYTHON names another interpreter, when the environment is made: make clean test PYTHON=/usr/bin/python3.13

PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3.14 python3; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$python; break; fi; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := client server tests docs/demo examples/python .ci

.PHONY: help demo test coverage format lint types generate generated protos wheel crosslang browser faults faults-quick power-cut power-cut-quick corruption hostile hostile-quick soak soak-quick fuzz fuzz-quick bench bench-scale bench-quick profile ci clean

help: ## Show what there is.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(READY): pyproject.toml
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "sessiond needs Python 3.11 or newer; install it, or name it: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "setting up $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[web]' --group dev
	@touch $@

demo: $(READY) ## Start a daemon, import a recorded session, show it, and follow it live.
	@$(BIN)/python docs/demo/demo.py

PYTEST := $(BIN)/pytest --numprocesses 2 --dist worksteal

test: $(READY) ## Run the tests.
	@$(PYTEST)

# Twice the processor time of the tests alone.
coverage: $(READY) ## Run the tests, and say which branches they do not cover.
	@$(PYTEST) --cov --cov-report=
	@$(BIN)/coverage report --skip-covered --show-missing

format: $(READY) ## Format the code.
	$(BIN)/ruff check --fix --quiet $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

lint: $(READY) ## Check format and style.
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)

types: $(READY) ## Check types.
	$(BIN)/mypy server client tests docs/demo .ci/make_api_reference.py

generate: $(READY) ## Generate the stubs from the protos.
	.ci/generate

generated: $(READY) ## Check that the committed stubs are those of the protos.
	.ci/check-generated

protos: $(READY) ## Check the protos' style.
	.ci/check-protos

wheel: $(READY) ## Build the wheel, and test it away from the checkout.
	.ci/check-wheel

LANGUAGES ?= python,go,typescript,java,rust

crosslang: $(READY) ## Play the conformance scenario in all languages, or in LANGUAGES=go,python.
	$(BIN)/python -m tests.crosslang.kit --languages $(LANGUAGES)

$(VENV)/.browser: $(READY) pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group browser
	@touch $@

browser: $(VENV)/.browser ## Test a page in a headless Chromium; needs Node.js, and installs Chromium where it can.
	.ci/install-chromium
	examples/browser/build
	$(BIN)/pytest tests/browser

faults: $(READY) ## Kill the daemon 500 times under load, at failpoints and by chance, and check every promise.
	$(BIN)/python -m tests.faults.crash_campaign --kills 500 $(FAULTS)

faults-quick: $(READY) ## The same with 30 deaths.
	$(BIN)/python -m tests.faults.crash_campaign --kills 30

power-cut: $(READY) ## Cut the power at 600 points of a recorded run at each durability; needs a C compiler.
	$(BIN)/python -m tests.faults.power.campaign --points 600 $(POWER)

power-cut-quick: $(READY) ## The same at 60 points.
	$(BIN)/python -m tests.faults.power.campaign --points 60

hostile: $(READY) ## Let hostile clients loose on the daemon, and see how a healthy one fares; more in HOSTILE="--only frozen".
	$(BIN)/python -m tests.faults.clients.campaign $(HOSTILE)

hostile-quick: $(READY) ## The same with smaller attacks, several at once.
	$(BIN)/python -m tests.faults.clients.campaign --quick

corruption: $(READY) ## Damage a database and its log page by page, and count what is answered; more in CORRUPTION="--bits 12".
	$(BIN)/python -m tests.faults.corruption.campaign $(CORRUPTION)
	$(BIN)/python -m tests.faults.corruption.log_campaign $(CORRUPTION_OF_LOG)

$(VENV)/.fuzz: $(READY) pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group fuzz
	@touch $@

fuzz: $(VENV)/.fuzz ## Fuzz the calls and importers with 1,000,000 inputs, and play the contract; more in FUZZ="--inputs 10000".
	$(BIN)/python -m tests.fuzz.contract_campaign --runs 2000 $(CONTRACT)
	$(BIN)/python -m tests.fuzz.guided.campaign --inputs 1000000 $(FUZZ)

fuzz-quick: $(VENV)/.fuzz ## The same with 4,000 inputs and 30 runs.
	$(BIN)/python -m tests.fuzz.contract_campaign --runs 30
	$(BIN)/python -m tests.fuzz.guided.campaign --inputs 4000

$(VENV)/.bench: $(READY) pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench
	@touch $@

# What CI needs to prove that the figures are shown.
$(VENV)/.figures: $(READY) pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group figures
	@touch $@

DURATION ?= 10m

soak: $(VENV)/.figures ## Put a steady load on the daemon for DURATION=10m (or 8h), and see whether anything grows; draws it into build.
	$(BIN)/python -m tests.faults.soak.soak --duration $(DURATION) --json build/soak.json --plot build/soak.svg

soak-quick: $(VENV)/.figures ## The same for 20 seconds, to prove that it runs.
	$(BIN)/python -m tests.faults.soak.soak --duration 20s --json build/soak-quick.json --plot build/soak-quick.svg

BENCH ?=
PROFILE ?=
# gRPC tells of each process that is started while it has threads.
bench bench-scale bench-quick profile hostile hostile-quick soak soak-quick: export GRPC_VERBOSITY = ERROR

bench: $(VENV)/.bench ## Measure beside floors and peers; more options in BENCH="--json figures.json --only replay".
	$(BIN)/python -m tests.benchmarks.bench $(BENCH)

bench-scale: $(VENV)/.bench ## Measure on 10,000,000 events in 100,000 sessions, and the memory for ten minutes; needs 8 GB of disk.
	$(BIN)/python -m tests.benchmarks.bench --only scale memory --scale-events 10000000 --scale-sessions 100000 \
		--memory-minutes 10 $(BENCH)

bench-quick: $(VENV)/.figures ## Prove that the benchmark and the profiles run.
	mkdir -p build
	$(BIN)/python -m tests.benchmarks.bench --quick --plot build/bench-quick.svg
	$(BIN)/python -m tests.benchmarks.profiling --quick --folder build/profile-quick
	$(BIN)/python -m tests.benchmarks.choices --only nothing --rounds 1
	$(BIN)/python -m tests.benchmarks.processor_time --rounds 1

profile: $(VENV)/.figures ## Draw flame graphs of the daemon under load into build/profile; more in PROFILE="--seconds 30".
	$(BIN)/python -m tests.benchmarks.profiling $(PROFILE)

ci: ## Run all gates.
	.ci/run

clean: ## Remove what was set up and built.
	rm -rf $(VENV) dist build .mypy_cache .pytest_cache .ruff_cache .coverage
