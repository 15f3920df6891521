# Two commands matter: `make run` and `make test`. Each sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: run test test-browser test-processes test-units test-servers check space space-test bench bench-gpu screenshots demo-family demo-family-check sweep trajectories results clean

run: .venv/app.ready
	$(BIN)/python app.py $(ARGS)

# Three at once fill two cores; what a browser shows has to come in time, so it goes first.
test: .venv/test.ready
	$(MAKE) -j3 test-browser test-processes test-units

test-browser: .venv/test.ready
	$(BIN)/python -m pytest tests/e2e $(ARGS)

test-processes: .venv/test.ready
	nice -n 5 $(BIN)/python -m pytest tests/integration $(ARGS)

test-units: .venv/test.ready
	nice -n 5 $(BIN)/python -m pytest tests/unit $(ARGS)

# Two real servers, each in an environment of its own under .servers/ (4.6 GB, half an hour at most).
test-servers: .venv/test.ready
	$(BIN)/python -m pytest tests/servers --timeout 1800 -rP $(ARGS)

check: .venv/test.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench-gpu: .venv/test.ready
	$(BIN)/python -m benchmarks gpu --out benchmarks/results/gpu.json $(ARGS)

space: .venv/app.ready
	$(BIN)/python -m deploy space $(ARGS)

space-test: .venv/app.ready
	$(BIN)/python -m deploy space
	$(BIN)/python -m deploy test $(ARGS)

bench: .venv/test.ready
	$(BIN)/python -m benchmarks --out benchmarks/results/latest.json $(ARGS)

screenshots: .venv/test.ready
	$(BIN)/python -m tests.e2e.screenshots

demo-family: .venv/app.ready
	$(BIN)/python -m unlearning demo-family $(ARGS)
	$(MAKE) results

demo-family-check: .venv/app.ready
	$(BIN)/python -m unlearning check $(ARGS)

sweep: .venv/app.ready
	$(BIN)/python -m unlearning sweep $(ARGS)

trajectories: .venv/app.ready
	$(BIN)/python -m unlearning trajectories $(ARGS)

results: .venv/app.ready
	$(BIN)/python -m metrics --family demo-tuned --precision fp32,bf16,int8,nf4,fp4 --no-store \
		--metrics all --headline-only bf16,int8,fp4 --out assets/demo/results.json.gz $(ARGS)

clean:
	rm -rf .venv .servers build .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/app.ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit(f"Python 3.11 or newer is needed; {sys.executable} is {sys.version.split()[0]}. Try: make $@ PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/test.ready: .venv/app.ready requirements-test.txt tests/chromium.py
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
	$(BIN)/python -m tests.chromium
	@touch $@
