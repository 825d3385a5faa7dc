# Every target does its own set-up and skips what is there. `make help` says what each is for.
SHELL := /bin/bash
CACHE := $(or $(SOUNDSTRIP_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/soundstrip)
export PATH := $(CACHE)/bin:$(PATH)
unexport PYTHONDONTWRITEBYTECODE # or each of the many processes of a test run compiles what it imports

ROOMS := auth crds gateway lib notifier operator worker_image
SCRIPTS := $(shell grep -lrE '^\#!.*\b(ba)?sh' .ci hack worker_image/ffmpeg)
SOURCES := $(wildcard */src lib/*/src tests/mail/src)

.DEFAULT_GOAL := help
.PHONY: help demo test unit check format cluster cluster-down images arm64 bench fuzz-media tools compiler

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: tools cluster images ## Show the main job: a video goes in, an MP3 and an e-mail come out
	@hack/demo/run

test: tools cluster images ## Prove it: unit, integration and end-to-end tests on a real cluster
	@hack/images/previous >/dev/null
	@uv run --frozen pytest -n 3 --no-loadscope-reorder $(addprefix tests/,e2e integration chart mail) $(ROOMS)

unit: tools ## Run the unit tests of all rooms; they need no server
	@uv run --frozen pytest -n 2 $(ROOMS) tests/mail

check: tools ## Lint, types, import rules, shell scripts
	uv run --frozen ruff format --check .
	uv run --frozen ruff check .
	uv run --frozen mypy $(SOURCES)
	uv run --frozen lint-imports
	uv run --frozen shellcheck --external-sources $(SCRIPTS)

format: tools ## Format the code
	uv run --frozen ruff format .
	uv run --frozen ruff check --fix .

cluster: ## Bring up the kind cluster `soundstrip`
	@hack/cluster/up

cluster-down: ## Remove the cluster and all that was built for it (packages stay)
	@hack/cluster/down --all

images: tools cluster ## Build the images and load them into the cluster
	@hack/images/build

arm64: tools ## Build the worker's image for arm64 on another machine, and prove it under emulation
	@hack/cluster/engine
	@hack/images/build arm64
	@WORKER_ARCHITECTURE=arm64 uv run --frozen pytest -n 2 --timeout 600 \
		$(addprefix tests/integration/test_worker_,image.py outputs.py \
			parallel.py::test_every_sound_at_every_rate_of_bits parallel.py::test_one_core_and_several_make_the_same_result)

bench: compiler demo ## Measure the demo's installation, and write docs/benchmarks.md
	@hack/cluster/tools kwok
	@uv run --frozen --group bench python -m hack.bench.run

fuzz-media: tools images ## Fuzz what reads media, for SECONDS=60, or repeat what broke it: REPEAT=FILE
	@uv run --frozen --group fuzz python -m tests.fuzz $(if $(REPEAT),--repeat $(REPEAT),--seconds $(or $(SECONDS),60))

tools:
	@hack/tools/up

compiler: # ViSQOL, which judges the sound, needs a library that is compiled
	@hack/tools/up g++
