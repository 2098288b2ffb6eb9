# make run    from nothing to a trained, judged and exported model on the embedded digits
# make test   lint, format check and the whole test suite
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run demo test lint clean

run demo: .venv/run.stamp
	$(BIN)/python run_script.py

test: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -n 2 --dist loadfile

.venv/run.stamp: setup.py constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed; set PYTHON=...')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

.venv/test.stamp: .venv/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[test]"
	touch $@

clean:
	rm -rf .venv build *.egg-info
