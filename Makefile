# Two commands do everything: `make run` and `make test`. Both set up .venv first, once per change of the pins.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8501
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt

# One thread a process: tests start workers and servers beside themselves, and threads that spin for a core cost
# more than they give.
ONE_THREAD := OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE

.PHONY: run test lint format coverage constraints clean

run: .venv/run.stamp
	$(BIN)/streamlit run streamlit_app.py --server.port $(PORT)

# WORKERS=0 tests in one process, in order. Whole files go to a worker, in the order of the tree, so that fixtures which
# start a server or a browser do so once.
WORKERS ?= 2
test: lint
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: .venv/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/oxlint --quiet

format: .venv/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# `make coverage TESTS=tests/freezing` looks at a part. Measuring slows everything down, so that tests of what happens
# in the first moments of a process may fail here: whether tests pass is for `make test` to say.
TESTS ?= tests
coverage: .venv/dev.stamp
	$(BIN)/coverage erase
	-$(ONE_THREAD) $(BIN)/coverage run -m pytest -W default $(TESTS)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

# Every package that is installed, for each system and Python: what requirements*.txt name, and what those need.
# Pins that stand stay as they are where they can; `make constraints UPGRADE=--upgrade` takes the newest.
constraints: .venv/run.stamp
	$(INSTALL) uv==0.13.8
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-annotate --quiet $(UPGRADE) \
		--custom-compile-command "make constraints" -o constraints.txt requirements-dev.txt requirements-ray.txt requirements-more.txt

.venv/run.stamp: requirements.txt constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or later is needed, this is ' + sys.version.split()[0])"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) -r requirements.txt
	touch $@

.venv/dev.stamp: requirements-dev.txt requirements-ray.txt .venv/run.stamp
	$(INSTALL) -r requirements-dev.txt -r requirements-ray.txt
	touch $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage .coverage.*
