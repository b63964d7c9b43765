# Two commands need nothing before them: `make rehearse` and `make test`. Each sets up .venv first.
MINUTE ?= 2
PORT ?= 4566
WORKERS ?= auto
BIN := .venv/bin
export MINUTE

.PHONY: help setup rehearse test proof bench certify stage lint unit clean

help:
	@echo "make rehearse            real releases of a payments service on this machine, then a report"
	@echo "make test                everything that must hold at every commit"
	@echo "make proof               the long runs; writes their tables to docs/"
	@echo "make bench               all benchmarks in one table of ratios, written to docs/performance.md; ONLY=tick runs one"
	@echo "make certify             try what the stage claims in your AWS account; says first what it costs"
	@echo "make stage PORT=4566     a local AWS in the foreground, to deploy to; Ctrl-C stops it"
	@echo "make clean               remove what was built and installed here"
	@echo "MINUTE=2                 wall seconds of a stage minute (60 is real time)"
	@echo "WORKERS=auto             processes that share the tests; 0 is none but pytest's own"

setup:
	@MAKECMDGOALS="$(MAKECMDGOALS)" scripts/setup

rehearse: setup
	@$(BIN)/python -m rehearsal.rehearse

stage: setup
	@PORT=$(PORT) MANUAL=$(MANUAL) $(BIN)/python -m rehearsal.stage

test: setup lint unit

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cfn-lint --regions eu-west-1 -- template.yaml examples/payments/template.yaml

unit: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not proof"

proof: setup
	$(BIN)/python -m pytest -m proof

bench: setup
	@$(BIN)/python -c 'import awslambdaric, scipy' 2>/dev/null || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@$(BIN)/python -m benchmarks.bench $(foreach word,$(ONLY),--only $(word))

# In the account of your credentials. Without YES=1 it only says what it would do. AGAIN=1 tries what is settled
# again; DANGER=3 tries only what would hurt users.
certify: setup
	@CONFORMANCE=account $(BIN)/python -m pytest -s -m "claim or question" tests/conformance

clean:
	rm -rf .venv .aws-sam build .rehearsal *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
