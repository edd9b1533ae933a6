# make run: a bot on an example day, in this terminal.   make test: the tests.   make check: style, types, layers.
# make test-engines: the tests that hold for every search engine, on each of them; ENGINES="elasticsearch-8" for some.
VENV ?= .venv
PYTHON ?= python3
CONFIG ?= config.example.yaml
PIP = $(VENV)/bin/pip --disable-pip-version-check
PYTEST = $(VENV)/bin/pytest

.PHONY: run test test-engines check bench bench-large bench-elastalert clean

run: $(VENV)/.run
	@$(VENV)/bin/gatewatch run -c $(CONFIG)

test: $(VENV)/.test
	$(PYTEST) -n 2 --dist loadgroup --no-loadscope-reorder $(ARGS)

test-engines: $(VENV)/.test
	.ci/fetch-jars $(or $(ENGINES),all)
	$(VENV)/bin/python -m tests.servers.every_engine --engines "$(ENGINES)" $(ARGS)

check: $(VENV)/.test
	$(VENV)/bin/ruff format --check bot tests bench setup.py
	$(VENV)/bin/ruff check bot tests bench setup.py
	$(VENV)/bin/mypy
	$(PYTEST) -q tests/test_layers.py

soak: $(VENV)/.test
	GATEWATCH_DRAWN=50000 $(PYTEST) tests/search/test_verdicts.py
	GATEWATCH_RUNS=100 GATEWATCH_BACKLOG=10000 $(PYTEST) -rP tests/test_life_late.py tests/test_life_backlog.py
	GATEWATCH_DRAWN=20000 $(PYTEST) tests/search/test_embedded_parity.py -k drawn
	GATEWATCH_FUZZED=1000000 GATEWATCH_FUZZED_LENGTH=1000000 $(PYTEST) tests/lucene/test_fuzz.py
	GATEWATCH_FUZZED_IRC=1000000 $(PYTEST) -rP tests/chat/test_irc_fuzz.py
	GATEWATCH_FUZZED_MATRIX=200000 $(PYTEST) -rP tests/chat/test_matrix_fuzz.py
	GATEWATCH_BREAKS=50 $(PYTEST) -rP tests/chat/test_irc_breaks.py
	GATEWATCH_BREAKS=4 GATEWATCH_REAL_TIMES=1 $(PYTEST) -rP tests/chat/test_irc_breaks.py
	GATEWATCH_ALERTS=1000 $(PYTEST) -rP tests/chat/test_irc_queue.py
	GATEWATCH_RC_MESSAGE=0.2/10 $(PYTEST) -rP tests/chat/test_matrix_limits.py
	GATEWATCH_LINES=5000 $(PYTEST) -rP tests/chat/test_matrix_stream.py
	GATEWATCH_KILLS=200 $(PYTEST) -rP tests/chat/test_matrix_killed.py

bench: $(VENV)/.test
	$(VENV)/bin/python -m bench.classify
	$(VENV)/bin/python -m bench.embedded
	$(VENV)/bin/python -m bench.idle
	$(VENV)/bin/python -m bench.irc
	$(VENV)/bin/python -m bench.matrix
	$(VENV)/bin/python -m bench.matrix_rest
	$(VENV)/bin/python -m bench.roomkeys

bench-large: $(VENV)/.test
	$(VENV)/bin/python -m bench.large --folder var/bench --heap 3g

bench-elastalert: $(VENV)/.test
	$(VENV)/bin/python -m bench.elastalert

clean:
	rm -rf $(VENV) var

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Gatewatch needs Python 3.11 or later; say which with make PYTHON=python3.12" >&2; exit 1; }
	@echo "making the environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python setup.py
	$(PIP) install -e .
	@touch $@

$(VENV)/.test: $(VENV)/bin/python setup.py
	$(PIP) install -e '.[test]'
	@touch $@ $(VENV)/.run
