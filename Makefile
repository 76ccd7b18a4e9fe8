# Every target does its own set-up. VIEWERS=500 make demo
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/ready
WEB_SETUP := tests/web/node_modules/ready
ASL_SETUP := tests/terraform/asl/node_modules/ready

# COMPILE= leaves bytecode to the first import.
COMPILE ?= --compile-bytecode
# We start hundreds of Python processes. Without bytecode on disk, each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

# A .venv is whole once it has the file "ready". One whose Python has gone, or that was made for another checkout (this one was
# moved or copied), is not: it is made anew.
WHOLE := import devstack, os, uv; os.path.samefile(devstack.__file__, "devstack/__init__.py") or 1 / 0
# As python -m venv, which would show a traceback at Ctrl-C.
NEW := import signal, venv; signal.signal(signal.SIGINT, signal.SIG_DFL); venv.create(".venv", with_pip=True, symlinks=True)
ifneq ($(wildcard $(SETUP)),)
ifneq ($(shell $(BIN)/python -I -c '$(WHOLE)' >/dev/null 2>&1 && echo whole),whole)
$(shell rm -f $(SETUP))
endif
endif

.PHONY: help
help: ## What there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: setup
setup: $(SETUP) ## Prepare .venv with the command livescore

$(SETUP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("livescore needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@# Without "ready" it is half-made: a Ctrl-C or a kill may have left any file of it out. It stays so until the last line.
	@echo "Preparing .venv …" >&2
	@test -e $@ || { rm -rf .venv && $(PYTHON) -c '$(NEW)'; }
	@rm -f $@
	@# uv installs everything else by its hash, so uv itself must come by its hash: its block of the same file.
	@sed -n '/^uv==/,/[^\]$$/p' requirements/dev.txt > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement .venv/uv.txt
	@$(BIN)/uv pip sync --quiet $(COMPILE) --python $(BIN)/python --require-hashes requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: demo
demo: setup ## The 2022 final for 200 viewers (VIEWERS=) on this machine
	@$(BIN)/livescore demo

.PHONY: quick
quick: setup ## The tests that open no socket and start no process (seconds)
	@$(BIN)/pytest --quick

# Each worker has a stack of its own. Tests wait more than they work, so there are more workers than cores.
WORKERS ?= 3
.PHONY: test
test: setup ## All tests but those of terraform/ and web/ (WORKERS= side by side)
	@# The clients' packages are tried with Node, where it is.
	@! command -v npm >/dev/null || ! node tests/web/version.mjs 2>/dev/null || $(MAKE) -s $(WEB_SETUP) || [ "$$CI" != true ]
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --ignore=tests/terraform --ignore=tests/web

.PHONY: soak
soak: setup ## The tests that can go on for longer, in their long forms (an hour)
	@LIVESCORE_SOAK=1 $(BIN)/pytest $$(grep -rlE --include='test_*.py' '\bsoak\(' tests)

.PHONY: web-test
web-test: setup ## web/: types, linter, tests in Node, scenes with both clients, the pages in a browser
	@if command -v npm >/dev/null && node tests/web/version.mjs; then $(MAKE) --no-print-directory web-node; \
	elif [ "$$CI" = true ]; then echo "web-test: CI needs Node 20 or newer and npm." >&2; exit 1; \
	else echo "web-test: SKIPPED types, linter and all that runs in Node: it needs Node 20 or newer and npm." >&2; fi
	@$(BIN)/pytest tests/web -rs

.PHONY: web-node
web-node: $(WEB_SETUP)
	@tests/web/node_modules/.bin/tsc -p tests/web
	@tests/web/node_modules/.bin/biome check --error-on-warnings web tests/web biome.json
	@node --test --test-timeout=60000 tests/web/*.test.mjs

$(WEB_SETUP) $(ASL_SETUP): %/node_modules/ready: %/package-lock.json
	@# Not npm ci: it wants every platform's package of biome in the lock, and not every registry has them all.
	@test -e $@ || rm -rf $*/node_modules
	@rm -f $@
	@npm install --no-save --prefix $* --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

.PHONY: terraform-test
terraform-test: setup ## terraform/: format, schema, its own tests, what an apply would make, the state machine, checkov
	@if command -v npm >/dev/null && node tests/web/version.mjs; then $(MAKE) -s $(ASL_SETUP) || [ "$$CI" != true ]; \
	elif [ "$$CI" = true ]; then echo "terraform-test: CI needs Node 20 or newer and npm." >&2; exit 1; \
	else echo "terraform-test: SKIPPED the state machine's expressions and validator: they need Node 20 or newer and npm." >&2; fi
	@$(BIN)/pytest tests/terraform -rs

.PHONY: bench
bench: setup ## All measurements, side by side (a quarter of an hour); figures and plots in .livescore/bench
	@mkdir -p .livescore/bench
	@$(BIN)/livescore bench all --json .livescore/bench --plot .livescore/bench

.PHONY: faults
faults: setup ## Every kind of fault, several times (half an hour); figures in .livescore/faults.json
	@mkdir -p .livescore
	@$(BIN)/livescore faults --long --json .livescore/faults.json

.PHONY: package
package: setup ## The zips of the functions for AWS in dist/ (PYTHON313= a Python 3.13, if none is found)
	@$(BIN)/livescore package $(if $(PYTHON313),--python $(PYTHON313))

.PHONY: dist
dist: setup ## The clients that other programs install, in dist/: a wheel and an npm package
	@$(BIN)/python -m devstack.builds.client_packages dist

.PHONY: check
check: setup ## Formatter, linter, type checker, import rules, spelling, English
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/codespell
	@$(BIN)/python -m devstack.checks.proofread

.PHONY: coverage
coverage: setup ## Whether the quick tests take every branch of the pure files
	@$(BIN)/python -m devstack.checks.pure_coverage

.PHONY: format
format: setup ## Format the code and mend what the linter can
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .
	@! test -x tests/web/node_modules/.bin/biome || tests/web/node_modules/.bin/biome check --write web tests/web biome.json

.PHONY: lock
lock: setup ## Pin the requirements again
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements/lambda.txt
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group dev -c requirements/lambda.txt -o requirements/dev.txt
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/ministack.in -o requirements/ministack.txt
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/checkov.in -o requirements/checkov.txt

.PHONY: clean
clean: ## Remove what devstack has made
	@rm -rf .livescore
