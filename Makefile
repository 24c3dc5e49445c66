# Two commands do everything: `make run` and `make test`. Both set up .venv first, once per change of the pins.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8501

.PHONY: run test lint format clean

run: .venv/run.stamp
	$(BIN)/streamlit run streamlit_app.py --server.port $(PORT)

# One thread a process: tests start workers and servers beside themselves, and threads that spin for a core cost
# more than they give.
test: lint
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest

lint: .venv/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: .venv/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv/run.stamp: requirements.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or later is needed, this is ' + sys.version.split()[0])"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements.txt
	touch $@

.venv/dev.stamp: requirements-dev.txt requirements-ray.txt .venv/run.stamp
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements-dev.txt -r requirements-ray.txt
	touch $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
