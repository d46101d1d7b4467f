# viva: what can be done here. `make` alone lists it.
#
# All cargo calls use one profile, so that llama.cpp is compiled once.

CARGO        ?= cargo
PYTHON       ?= python3
TOOLS        := .tools
DENY_VERSION := 0.20.2
ANKI_VERSION := 26.9.3
FEATURES     ?=
FLAGS        := --release --locked $(if $(FEATURES),--features $(FEATURES))
VIVA         := target/release/viva
# Weights of this checkout live in models/ unless the user says otherwise.
# A failed assertion of llama.cpp must not start a debugger to print a trace.
export GGML_NO_BACKTRACE := 1
export VIVA_MODELS_DIR ?= $(CURDIR)/models

.DEFAULT_GOAL := help
.PHONY: help deps build interview demo models test candidates lint deny audit docs unit bench fit-judge check-corpus anki-check

help: ## List the targets
	@echo "viva: a panel interview on your own laptop"
	@echo
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "GPU: make interview FEATURES=cuda (or vulkan, metal, rocm)"

deps: ## Find or install cmake, libclang and a C++17 compiler
	@sh scripts/deps.sh

build: deps ## Build the program
	$(CARGO) build $(FLAGS)

models: build ## Fetch the starter model and the embedder
	@$(VIVA) models pull --basics

interview: models ## Build what is missing, fetch the starter model, start an interview
	@$(VIVA) interview $(ARGS)

demo: models ## Watch a scripted candidate being interviewed
	@$(VIVA) interview --questions 2 --seed 7 --answers tests/fixtures/answers/mixed.txt

test: models lint docs deny check-corpus unit anki-check ## Run every check: format, lints, docs, dependencies, tests

unit: models
	VIVA_TEST_MODELS="$(VIVA_MODELS_DIR)" $(CARGO) test $(FLAGS) --no-fail-fast

candidates: models ## Play all thirty scripted candidates, about ten minutes
	VIVA_CANDIDATES=all VIVA_TEST_MODELS="$(VIVA_MODELS_DIR)" $(CARGO) test $(FLAGS) --test candidates

lint: deps ## Check format and lints
	$(CARGO) fmt --check
	$(CARGO) clippy $(FLAGS) --all-targets -- -D warnings

docs: deps
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(FLAGS) --no-deps --document-private-items

deny: $(TOOLS)/bin/cargo-deny
	$(CARGO) fetch --locked --quiet
	$(TOOLS)/bin/cargo-deny --offline check bans licenses sources

audit: $(TOOLS)/bin/cargo-deny ## Ask the advisory database about the dependencies (network)
	$(TOOLS)/bin/cargo-deny check advisories

$(TOOLS)/bin/cargo-deny:
	$(CARGO) install --quiet --debug --locked cargo-deny@$(DENY_VERSION) --root $(TOOLS)

anki-check: build $(TOOLS)/anki/$(ANKI_VERSION) ## Take exported cards into Anki by its own importer
	@rm -rf $(TOOLS)/anki/export && mkdir -p $(TOOLS)/anki/export
	@for n in 1 2; do \
		VIVA_DATA_DIR="$(CURDIR)/$(TOOLS)/anki/export/data" VIVA_CONFIG_DIR="$(CURDIR)/$(TOOLS)/anki/export/config" \
			$(VIVA) drill export --all $(TOOLS)/anki/export/$$n.apkg >/dev/null || exit 1; done
	@$(TOOLS)/anki/bin/python tests/anki_import.py $(TOOLS)/anki/export/1.apkg $(TOOLS)/anki/export/2.apkg

$(TOOLS)/anki/$(ANKI_VERSION):
	$(PYTHON) -m venv $(TOOLS)/anki
	$(TOOLS)/anki/bin/pip install --quiet --disable-pip-version-check anki==$(ANKI_VERSION)
	touch $@

fit-judge: models ## Fit models/judge.toml to the corpus (SETS=folder adds the public sets)
	$(PYTHON) training/fit_judge.py --viva $(VIVA) $(if $(SETS),--sets $(SETS)) --write models/judge.toml

check-corpus: ## Check the judge's corpus and print its counts, agreement and baselines
	$(PYTHON) training/judge/check.py

bench: models ## Measure the engine and the program on this machine
	@$(VIVA) bench engine
	@$(VIVA) bench drill
	@$(VIVA) bench journal
	$(CARGO) bench --locked $(if $(FEATURES),--features $(FEATURES))
