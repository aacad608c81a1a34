# Every command there is; CI calls only these. On PATH: Python 3.11, git, make, nothing else.
PYTHON := $(shell command -v python3.11 || command -v python3)
PY := .venv/bin/python
UV := VIRTUAL_ENV=.venv .venv/bin/uv
COMPILE := $(UV) pip compile pyproject.toml -q --generate-hashes --no-emit-index-url --no-header \
  --python-version 3.11
PYTEST := $(PY) -m pytest -q

.PHONY: setup up demo test lint fast servers faults bench fmt lock docs alerts secrets

setup: .venv/.done ## The project's own environment, anew when a lock has changed

.venv/.done: requirements.lock requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed")'
	@echo 'making .venv: the packages are fetched the first time' >&2
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.lock > .venv/uv.lock
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r .venv/uv.lock
	@$(UV) pip sync -q --require-hashes requirements-dev.lock
	@echo '$(CURDIR)' > "$$($(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/yizhan.pth"
	@printf '#!/bin/sh\nexec "$$(dirname "$$0")/python" -m yizhan "$$@"\n' > .venv/bin/yizhan
	@chmod +x .venv/bin/yizhan
	@touch $@

up: setup ## Everything on this machine, until Ctrl-C
	@exec $(PY) -m yizhan up

demo: setup ## From nothing to closed cases, checked
	@exec $(PY) -m yizhan.demo

test: lint fast servers faults ## What CI runs

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

fast: setup
	$(PYTEST) tests/unit tests/contracts

servers: setup
	$(PYTEST) -n 2 --dist loadfile tests/integration tests/e2e

faults: setup
	$(PYTEST) -n 2 --dist loadfile -rP -m 'not long' tests/faults

bench: setup ## Figures beside their floors, into bench/RESULTS.md; wants a quiet machine
	@$(PY) -m bench

fmt: setup
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

lock: setup ## After a change in pyproject.toml
	$(COMPILE) -o requirements.lock
	$(COMPILE) --group dev -o requirements-dev.lock

docs: setup ## Everything that is generated
	$(PY) -m docs.generate

alerts: setup ## The alert rules' own tests; needs promtool
	$(PY) -m deploy.prometheus.check

secrets: setup ## What docker-compose.yml mounts, made once
	@$(PY) -m yizhan secrets
