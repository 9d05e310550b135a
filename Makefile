# The plain commands behind these, for a machine without make, stand in README.md.
PYTHON ?= python3
venv := .venv/bin/python

.PHONY: submission preview zip test test-all data bench clean distclean

submission: .venv/installed
	$(venv) tools/build_submission.py

preview: .venv/installed
	$(venv) tools/build_submission.py --preview

zip:
	$(PYTHON) tools/hand_in.py

test: .venv/tested
	$(venv) -m ruff check .
	$(venv) -m pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder

test-all: .venv/tested
	$(venv) -m ruff check .
	$(venv) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

data: .venv/installed
	$(venv) tools/get_data.py

bench: .venv/installed
	$(venv) tools/bench.py sweep
	$(venv) tools/bench.py "one by one"

clean:
	rm -rf build .venv

distclean: clean
	rm -rf */runs */preview */smoke

# Ctrl-C ends in a sentence; what pip says goes into a file that is shown if it fails
say := mkdir -p build; run() { "$$@" 2> build/pip.log || { cat build/pip.log >&2; exit 1; }; }; \
	trap 'echo "Stopped: run the same command to go on." >&2; exit 130' INT; run
pip := $(venv) -m pip install --quiet --disable-pip-version-check

.venv/installed: requirements.txt tools/requirements.txt
	@$(PYTHON) -c "import sys; (3, 10) <= sys.version_info[:2] <= (3, 13) or sys.exit('Python %d.%d will not do: TensorFlow needs 3.10 to 3.13, so write for example make PYTHON=python3.12.' % sys.version_info[:2])"
	@$(say) $(PYTHON) -m venv .venv
	@echo "Installing the packages, some minutes."; $(say) $(pip) -r tools/requirements.txt
	touch $@

.venv/tested: tests/requirements.txt .venv/installed
	@$(say) $(pip) -r tests/requirements.txt
	touch $@
