# Everything a fresh machine needs is Python 3.11 or newer and this file: `make sweep` and `make test` set up
# the virtual environment themselves, and a second call starts at once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
EXPERIMENT ?= trading_sweep
# Two files of tests at a time, in the order of tests/conftest.py, the slow ones first; xdist has another one.
PARALLEL := --numprocesses 2 --dist loadfile --no-loadscope-reorder
# Modules below benchmarks/ that take minutes, and those that take hours. Comparing two checkouts takes their paths.
BENCHMARKS := environment_speed training_speed training_growth sweep_speed \
	simulations.ablation simulations.compare simulations.prospect simulations.verdict
LONG_BENCHMARKS := same_learning repeated_sweeps early_signals starting_point search_efficiency
COMPARISONS := same_sweeps
PACKAGES := analysis envs experiments search_spaces

# A goal that is missed makes the whole fail, at its end.
measure = failed=0; for name in $(1); do \
	echo "== benchmarks.$$name"; $(BIN)/python -m benchmarks.$$name $(ARGS) || failed=1; \
	done; exit $$failed

.PHONY: sweep test lint check format bench bench-long compare figures report-picture architecture lock clean

sweep: $(READY) ## Run an experiment (EXPERIMENT=name, ARGS="--trials 64 ..."): search, confirm, report.
	$(BIN)/python -m experiments.$(EXPERIMENT) $(ARGS)

test: $(READY) ## Run every test, the whole sweeps, the browser and the cluster among them.
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

lint: $(READY) ## Check format, style, types and import contracts, and change nothing.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint ## Lint, and run the fast tests.
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow" $(ARGS)

format: $(READY) ## Put every file into the project's form.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## Measure speed against peers and simulate the statistics: minutes each, on an idle machine.
	$(call measure,$(BENCHMARKS))

bench-long: $(READY) ## Compare learning with RLlib's, and searches with one another: hours.
	$(call measure,$(LONG_BENCHMARKS))

compare: $(READY) ## Run the same sweeps in two checkouts, number by number: ARGS="BEFORE AFTER".
	$(call measure,$(COMPARISONS))

figures: $(READY) ## Draw the README's pictures: the environments, and the curves of the latest trading sweep.
	$(BIN)/python -m envs.gallery docs/pictures/environments
	$(BIN)/python -m envs.catalogue docs/environments.md
	cp "$$(ls -td results/trading_sweep/*/ | head -n 1)figures/confirmed_curves.png" docs/pictures/trading_sweep.png

report-picture: $(READY) ## Take the README's picture of a report (FOLDER=a sweep of the README's environment); needs Chromium.
	profile="$$(mktemp -d)" && chromium --headless --no-sandbox --disable-gpu --disable-background-networking \
		--user-data-dir="$$profile" --virtual-time-budget=20000 --hide-scrollbars --window-size=1100,1130 \
		--screenshot="$$profile/report.png" "file://$$(realpath "$(FOLDER)")/report.html" && \
	$(BIN)/python -c "import sys; from PIL import Image; \
		Image.open(sys.argv[1]).convert('RGB').quantize(128).save(sys.argv[2], optimize=True)" \
		"$$profile/report.png" docs/pictures/report.png && rm -rf "$$profile"

architecture: $(READY) ## Draw the rooms and the arrows between them from the real imports.
	$(BIN)/python -m benchmarks.architecture

lock: $(READY) ## Write the versions of the present environment down as the ones to install.
	$(BIN)/pip freeze --exclude-editable | sed 's/^\(torch==[^+]*\)+.*/\1/' > requirements.lock

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable ".[dev]"
	touch $(READY)

clean: ## Remove the environment and every cache; sweeps in results/ stay.
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find $(PACKAGES) tests benchmarks -name __pycache__ -type d -exec rm -rf {} +
