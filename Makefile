PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup tools demo test checked mutants same fuzz bench lint brokers validate validate-short picture examples notebooks published wheel image

# What the simulator needs, and nothing else.
setup: .venv/kernels

# And what tests, checks and notebooks need. Every target below but `demo` sees to it.
tools: .venv/kernels .venv/tools

# With --no-compile: Python compiles what it imports when it first does, and that is a small part.
.venv/ready: runtime.lock pyproject.toml
	@echo "setting up .venv: what the simulator needs, 500 MB"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r runtime.lock
	@echo "compiling the simulator: a minute or two"
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/tools: .venv/ready requirements.lock
	@echo "setting up .venv: what tests, checks and notebooks need, 400 MB more"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

# Compiled beside their sources, again when one changes.
.venv/kernels: .venv/ready $(shell find sim -name '*_kernel.py' -o -name '*.pxd') \
    sim/foundation/compile_kernels.py
	@$(BIN)/python -m sim.foundation.compile_kernels --find-compiler || \
	    $(BIN)/pip install --quiet --require-hashes -r ziglang.lock || true
	@$(BIN)/python -m sim.foundation.compile_kernels
	@touch $@

demo: setup
	$(BIN)/sim run tournament_spike

test: tools
	$(BIN)/pytest -n auto --dist worksteal

# Random tests with kernels that look at the bounds of every array.
checked: tools
	SIM_KERNELS=checked $(BIN)/python -m sim.foundation.compile_kernels
	SIM_KERNELS=checked $(BIN)/pytest -n auto --dist worksteal -W error::pytest.PytestUnraisableExceptionWarning \
	    tests/ledger tests/log tests/measure tests/producer tests/queue tests/systems tests/traffic

# Does a test fail when the code is wrong? 330 changes of kernels and coordinators, one at a time.
mutants: tools
	$(BIN)/python tests/tools/mutants.py --count 330 --seed 1

# Every table of every shipped scenario, byte for byte; `make examples` where a change is meant.
same: tools
	$(BIN)/python tests/tools/same_tables.py

# Thousands of inputs that nobody would give: five minutes on two processors.
fuzz: tools
	$(BIN)/python tests/tools/fuzz.py 5000

# With what a message costs in runs of 1 M, 3 M and 10 M, drawn; `make bench TO=1000`: up to a billion.
TO ?= 10
bench: tools
	$(BIN)/python tests/tools/bench.py
	$(BIN)/python tests/tools/bench_waits.py
	mkdir -p build
	$(BIN)/python tests/tools/bench_scale.py --to $(TO) --chart build/cost.png

# The image; where there is a docker.
image:
	docker build --file .docker/Dockerfile --tag queue-log-lab .
	docker run --rm queue-log-lab run tournament_spike --set scale=0.05 --no-charts --out /tmp/results

# The wheel, in an environment with nothing else in it, from another folder.
wheel: tools
	rm -rf build/wheel
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build/wheel .
	$(PYTHON) -m venv --clear build/wheel/venv
	build/wheel/venv/bin/pip install --quiet build/wheel/*.whl twine pipx
	build/wheel/venv/bin/twine check --strict build/wheel/*.whl
	cd build/wheel && venv/bin/python ../../tests/tools/try_wheel.py
	cd build/wheel && PIPX_HOME="$$PWD/pipx" venv/bin/pipx run --spec "$$PWD"/*.whl queue-log-lab --version

lint: tools
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Real brokers for `sim validate`, into build/brokers, and their clients into .venv.
brokers: tools
	$(BIN)/pip install --quiet --no-deps --require-hashes -r validate.lock
	$(BIN)/python -m sim.validate.install

# Experiments on these brokers, three times each: three quarters of an hour, on a quiet machine.
validate: brokers
	$(BIN)/python -m sim.validate.record

# Five of them once, counts alone: four minutes, on any machine.
validate-short: tools
	$(BIN)/python -m sim.validate.record --short

# The rooms, drawn from the code into sim/README.md.
picture: tools
	$(BIN)/python tests/tools/picture.py

# The small results that are kept in git, one a scenario.
examples: tools
	$(BIN)/sim run --name example $(notdir $(basename $(wildcard scenarios/*.yaml)))
	$(BIN)/sim plot ledger_ordering/example

# The lab beside measurements that others published: results/published.md.
published: tools
	$(BIN)/python tests/tools/published.py

# Executes them from top to bottom, in place.
notebooks: tools
	$(BIN)/python tests/tools/notebooks.py
