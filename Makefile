# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
WORKERS := -n 2 --dist loadfile --no-loadscope-reorder  # files in the order of tests/conftest.py: those that take long come first

.PHONY: demo test test-all lint bench docs clean

$(VENV)/.installed: pyproject.toml constraints.txt $(wildcard plugins/*/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "mlforge needs Python 3.11 or newer: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 5; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (once; some minutes) …"
	@$(PIP) install -q -c constraints.txt torch==2.13.0 -e '.[dev]' -e plugins/mlforge-lightgbm -e 'plugins/mlforge-mlflow[test]' \
		-e plugins/mlforge-prometheus -e plugins/mlforge-sklearn -e plugins/mlforge-tensorboard
	@$(BIN)/python -m compileall -q src
	@touch $@

demo: $(VENV)/.installed  ## from raw rows to a registered model, on data that comes with scikit-learn
	@mkdir -p demo
	@cd demo && ../$(BIN)/mlforge run breast_cancer
	@echo
	@cd demo && ../$(BIN)/mlforge models
	@echo
	@echo "All of it lies in demo/.mlforge. Look around:"
	@echo "  cd demo && ../$(BIN)/mlforge runs"
	@echo "  cd demo && ../$(BIN)/mlforge show breast_cancer model"
	@echo "  cd demo && ../$(BIN)/mlforge run breast_cancer model=linear"

test: $(VENV)/.installed  ## the tests that take seconds
	@$(BIN)/python -m pytest $(WORKERS)

test-all: $(VENV)/.installed  ## all of them, the slow ones included
	@$(BIN)/python -m pytest $(WORKERS) -m "not gpu"

lint: $(VENV)/.installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.installed  ## ratios against bare loops and peers, printed
	@$(BIN)/python benchmarks/run.py

docs: $(VENV)/.installed  ## the generated reference pages
	@$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache
