# Two commands for a stranger: `make demo` and `make test`. Everything sets itself up in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

SEEDS ?= 300
FIRST_SEED ?= 1

.PHONY: demo test check simulate planted-bugs harness sweep sweep-plans mutate-scripts fuzz-api ways-in bench format lock clean
demo: $(READY)
	@$(BIN)/reconciler demo

test: $(READY)
	@$(BIN)/python -m pytest -n 2

check: $(READY)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -n 2

# The laws of apply on many more random fleets than every day, new ones each time; takes a few minutes.
sweep: $(READY)
	@SWEEP_EXAMPLES=2000 $(BIN)/python -m pytest -n 2 tests/laws/test_apply.py

# Simulated weeks of fleets with faults, every step checked; a failing seed replays exactly (300 seeds: about 9 minutes).
simulate: $(READY)
	@$(BIN)/reconciler simulate-life --seeds $(SEEDS) --first-seed $(FIRST_SEED)

# Whether the simulation can see: each planted bug alone, until a seed catches it; writes docs/planted-bugs.md.
planted-bugs: $(READY)
	@$(BIN)/python -m tests.simulation.planting --seeds $(SEEDS)

# Real processes, a real store, endpoints in a process of their own; killed, stopped and cut off at random (about 15 minutes).
harness: $(READY)
	@$(BIN)/python -m tests.harness.rounds 50

# Ten thousand random plans, each audited and then lived through in twenty random orders (half an hour).
sweep-plans: $(READY)
	@SWEEP_PLANS=10000 $(BIN)/python -m pytest tests/laws/test_audit_sweep.py -s

# Breaks every line of every script, one at a time; every break that the tests of their answers miss is named (minutes).
mutate-scripts: $(READY)
	@$(BIN)/python -m tests.unit.winrm.mutate_scripts --write

# The API against its own OpenAPI document, at length (about 5 minutes).
fuzz-api: $(READY)
	@$(BIN)/python -m tests.unit.api.fuzzing 500

# Kerberos with a real key distribution centre, CredSSP, the keyring: in an environment of its own, because their libraries are
# not for everybody (apt install krb5-kdc krb5-admin-server krb5-user libkrb5-dev gcc). Tests whose needs are missing say so.
WAYS := $(VENV)/ways-in
ways-in: $(READY)
	@$(PYTHON) -m venv $(WAYS)
	@$(WAYS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(WAYS)/bin/python -m pip install --quiet --disable-pip-version-check 'pywinrm[kerberos,credssp]' 'pyspnego[kerberos]' keyring
	@$(WAYS)/bin/python -m pytest -rs tests/seam/test_kerberos.py tests/seam/test_credssp.py tests/seam/test_https.py tests/unit/winrm/test_winrm_credentials.py

# What planning and loading take; answers are checked before they are timed (about 20 minutes).
bench: $(READY)
	@$(BIN)/python -m bench.bench_plan
	@$(BIN)/python -m bench.bench_load
	@$(BIN)/python -m bench.bench_pass
	@$(BIN)/python -m bench.bench_survey
	@$(BIN)/python -m bench.bench_flexible
	@$(BIN)/python -m bench.bench_fewest
	@$(BIN)/python -m bench.bench_makespan
	@$(BIN)/python -m bench.bench_peer
	@$(BIN)/python -m bench.bench_same

format: $(READY)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock:
	uv pip compile pyproject.toml --extra dev --extra solver --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" -o requirements.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; name it: make PYTHON=python3.11 ...")'
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis
