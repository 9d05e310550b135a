# The plain commands behind these, for a machine without make, stand in README.md.
PYTHON ?= python3
venv := .venv/bin/python

.PHONY: submission preview test data bench clean

submission: .venv/installed
	$(venv) tools/build_submission.py

preview: .venv/installed
	$(venv) tools/build_submission.py --preview

test: .venv/tested
	$(venv) -m ruff check .
	$(venv) -m pytest -n logical --dist loadfile --no-loadscope-reorder

data: .venv/installed
	$(venv) tools/get_data.py

bench: .venv/installed
	$(venv) tools/bench.py

clean:
	rm -rf build .venv name_classification/runs activity_recognition/runs

.venv/installed: requirements.txt
	$(PYTHON) -m venv .venv
	$(venv) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/tested: tests/requirements.txt .venv/installed
	$(venv) -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	touch $@
