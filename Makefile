# `make run` and `make test` each work as the first command of a fresh clone: Python 3.11, gcc and make suffice.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One thread per test worker: torch would otherwise start one per core in each of them.
WORKERS ?= 2
PIP_OPTIONS = --constraint constraints.txt --quiet --disable-pip-version-check

.PHONY: run test lint types tests machine-tools clean

run: $(VENV)/installed
	$(BIN)/opparity doctor
	$(BIN)/opparity verify
	$(BIN)/opparity evaluate
	$(BIN)/python tools/check_demonstration.py

test: lint types tests check-self

lint: $(VENV)/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	git ls-files '*.cpp' '*.h' '*.cu' '*.cuh' ':!tests/projects' | xargs -r $(BIN)/clang-format --dry-run --Werror
	$(BIN)/codespell

types: $(VENV)/installed
	$(BIN)/mypy

# A thread of torch's for each worker: with two each the reference takes six times as long.
tests: $(VENV)/installed machine-tools
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses $(WORKERS)

# A Chromium for the pages, a cross compiler and an emulator for aarch64: Debian's, if they can be had.
machine-tools:
	@$(PYTHON) tests/machine_tools.py

# The build back end looks at every file itself, so one stamp for the native sources and the pinned versions is enough.
# The tables are the library's too, which is refused where Python has others than it was built from.
NATIVE := CMakeLists.txt pyproject.toml $(shell find src -name '*.cpp' -o -name '*.h') src/opparity/__init__.py \
	src/opparity/formats.py $(addprefix src/opparity/operators/,__init__.py declaration.py peers.py library_record.py)

$(VENV)/dependencies: constraints.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install $(PIP_OPTIONS) 'pip==26.3'
	$(BIN)/python -m pip install $(PIP_OPTIONS) torch numpy
	$(BIN)/python -m pip install $(PIP_OPTIONS) --group development safetensors matplotlib rich typer \
		google-re2 jinja2 packaging pathspec pygments tree-sitter tree-sitter-cmake tree-sitter-cpp tree-sitter-cuda
	touch $@

$(VENV)/installed: $(VENV)/dependencies $(NATIVE)
	OPPARITY_NATIVE=require PATH="$(CURDIR)/$(BIN):$$PATH" \
		$(BIN)/python -m pip install $(PIP_OPTIONS) --no-build-isolation --no-deps --editable .
	# pip compiles no editable package; where PYTHONDONTWRITEBYTECODE is set, each start would.
	$(BIN)/python -m compileall -q src/opparity
	touch $@

# What `make run` ends with: the checker on our replay of vLLM #38750 and on vLLM 0.8.5's sdist.
.PHONY: check-demonstration
check-demonstration: $(VENV)/installed
	$(BIN)/python tools/check_demonstration.py

# Opparity's own operators pass its checker, and without suppressions.
check-self: $(VENV)/installed
	$(BIN)/opparity check --strict

# Our bits against code that nobody here wrote: docs/crosschecks.md.
CROSSCHECKED := torchao compressed-tensors loguru psutil

$(VENV)/crosschecks: constraints.txt
	$(BIN)/python -m pip install $(PIP_OPTIONS) --no-deps --upgrade --target $@ $(CROSSCHECKED)
	touch $@

.PHONY: crosschecks
crosschecks: $(VENV)/installed $(VENV)/crosschecks
	$(BIN)/python tools/fetch_sdist.py vllm==0.33.0 --into .cache/sdists
	$(BIN)/pytest tests/crosschecks

# The plugins in the packages that they are for: docs/vllm.md and docs/sglang.md. Takes a quarter of an hour and 4 GB.
INTEGRATIONS := .cache/integrations

$(INTEGRATIONS)/installed: tools/install_integrations.py pyproject.toml $(NATIVE)
	$(PYTHON) tools/install_integrations.py --into $(INTEGRATIONS)
	touch $@

.PHONY: integrations
integrations: $(INTEGRATIONS)/installed
	$(INTEGRATIONS)/bin/python -m pytest tests/real_packages

clean:
	rm -rf $(VENV) build

# What is published, into dist: a source distribution, a pure wheel, and one for manylinux_2_28.
.PHONY: wheel try-wheels
wheel: $(VENV)/installed
	$(BIN)/python tools/build_wheels.py

# The files of dist in fresh environments: `make try-wheels TRY="--try python3.12 2.13.0"` for others.
try-wheels:
	$(PYTHON) tools/try_wheels.py dist $(or $(TRY),--try $(PYTHON) none --try $(PYTHON) 2.13.0)

# Whole trees of odd pieces, a hundred thousand of them in about two hours of one core.
# What breaks the checker is kept, shrunk, in tests/checker/fuzzing/corpus: `make fuzz TREES=1000 SEED=1`.
.PHONY: fuzz
fuzz: $(VENV)/installed
	$(BIN)/python tools/fuzz_trees.py --trees $(or $(TREES),100000) --seed $(or $(SEED),0)

# Random calls of every operator, most with something wrong: ten million in some hours of two cores.
# `make attack CALLS=1000000 SEED=1` for others; `make attack SEED=1 CALL=77` makes one call again.
ATTACK = tools/attack_operators.py --seed $(or $(SEED),0)
.PHONY: attack
attack: $(VENV)/installed
	$(BIN)/python $(ATTACK) $(if $(CALL),--call $(CALL),--calls $(or $(CALLS),10000000))

# The same, the tests that call operators and the kernel alone, with AddressSanitizer and
# UndefinedBehaviorSanitizer, and the kernel with ThreadSanitizer: docs/reliability.md.
SANITIZERS := -g1;-fno-omit-frame-pointer;-fsanitize=address,undefined,float-cast-overflow;-fno-sanitize-recover=all
SANITIZED := build/sanitized
# The package's files, and this library in the place of the installed one.
SANITIZED_PACKAGE := $(CURDIR)/$(SANITIZED)/package
# Python and torch are built without: the sanitizers are loaded first, and told nothing of what torch never frees.
RUN_SANITIZED = LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
	PYTHONMALLOC=malloc OMP_NUM_THREADS=1 $(SANITIZED)/venv/bin/python
SANITIZED_TESTS := agreement arguments columns experts norms norm_gradients peer_operators padded_columns scale_rules

$(SANITIZED)/installed: $(VENV)/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake -S . -B $(SANITIZED) -G Ninja -DCMAKE_BUILD_TYPE=None \
		-DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python -DOPPARITY_OPTIMISATION=-O1 '-DOPPARITY_SANITIZERS=$(SANITIZERS)'
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake --build $(SANITIZED)
	$(BIN)/python -m venv --without-pip $(SANITIZED)/venv
	printf '%s\n' $(SANITIZED_PACKAGE) $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
		> $$($(SANITIZED)/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/sanitized.pth
	touch $@

# Linked anew each time: the package may have other files than when the library was built.
.PHONY: sanitized-package
sanitized-package: $(SANITIZED)/installed
	rm -rf $(SANITIZED_PACKAGE)
	mkdir -p $(SANITIZED_PACKAGE)
	cp -rs $(CURDIR)/src/opparity $(SANITIZED_PACKAGE)
	ln -sf ../../libopparity.so ../../libopparity.json $(SANITIZED_PACKAGE)/opparity

.PHONY: sanitize
sanitize: sanitized-package
	$(RUN_SANITIZED) $(ATTACK) --calls $(or $(CALLS),200000)
	$(RUN_SANITIZED) -m pytest -p no:randomly $(SANITIZED_TESTS:%=tests/operators/test_%.py)
	$(BIN)/python tools/attack_kernel.py --build address
	$(BIN)/python tools/attack_kernel.py --build thread

# Published trees, broken and fixed, and every release of vLLM's; downloads into the user's cache.
.PHONY: corpus
corpus: $(VENV)/installed
	$(BIN)/python tools/corpus.py --repositories $(or $(REPOSITORIES),clones)

# docs/reports anew: reports of vLLM's changes and the lives of two operators; downloads its releases.
# With `make reports VLLM=CLONE` the report of #38750's own commit as well.
.PHONY: reports
reports: $(VENV)/installed
	$(BIN)/python tools/write_reports.py $(if $(VLLM),--repository $(VLLM))

# One of them compared with what the code makes now; all of them: tools/write_reports.py --check.
.PHONY: check-reports
check-reports: $(VENV)/installed
	$(BIN)/python tools/write_reports.py --check --only 0.8.4-to-0.8.5

# Some 17,600 kernels for seven AMD chips, and what their assembly has to show.
.PHONY: amd
amd: $(VENV)/installed
	PYTHONPATH=tests $(BIN)/python tools/compile_for_amd.py --jobs $(WORKERS)

# Machine code of AMD chips in the emulator of a clone of tinygrad: `make emulate TINYGRAD=CLONE` writes docs/evidence,
# and runs the tests of experts, columns and gradients there.
EMULATED := gfx942 gfx1201
ON_HOST := $(addprefix tests/native/test_,columns_on_host.py experts_on_host.py norm_gradients_on_host.py)

.PHONY: emulate
emulate: $(VENV)/installed
	set -e; for chip in $(EMULATED); do \
		PYTHONPATH=tests $(BIN)/python tools/emulate_amd.py $$chip --tinygrad $(TINYGRAD) --processes $(WORKERS); \
		OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses $(WORKERS) $(ON_HOST) --emulate $$chip --tinygrad $(TINYGRAD); \
	done

# The documentation as a site, in build/site: strict about links, and without the network.
.PHONY: docs
docs: $(VENV)/installed
	$(BIN)/python tools/build_site.py
