# The two commands of the README and what tests need. Everything is built in one profile, so that llama.cpp is compiled
# once for demo, tests and benches. GNU make.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup build model demo run test fuzz bench bench-models bench-intents

# rustup's folder, for shells that have not read its env file yet.
export PATH := $(PATH):$(HOME)/.cargo/bin

HEARTHD := target/release/hearthd
SMALL_MODEL := smollm2-135m-instruct

# Set only where libclang is not found by itself: cargo builds llama.cpp again when this variable changes. A recipe's own
# variable, since libclang may have been installed by the set-up just before.
CARGO = libclang=$$(.ci/setup --libclang) && \
	if [ -n "$$libclang" ] && [ -z "$$LIBCLANG_PATH" ]; then export LIBCLANG_PATH="$$libclang"; fi && cargo

help:
	@echo 'make demo   install what is missing, build, fetch the small model, show the three tiers over MQTT'
	@echo 'make run    the same set-up, then the daemon with ./config.yaml until Ctrl-C'
	@echo 'make test   the same set-up, then every check and test'
	@echo 'make fuzz   random input against tier 1, $$FUZZ_SECONDS (8) seconds a target; a part of make test'
	@echo 'make bench  the same set-up, then the benchmarks'
	@echo 'make bench-models  the last of them alone: beside llama.cpp'"'"'s own server, which it builds; tens of minutes'
	@echo 'make bench-intents  the same build, then tier 1 beside hassil, over the sentences in $$HEARTHD_EVAL_DATA'
	@echo 'make build  the same set-up, then target/release/hearthd alone'

setup:
	@.ci/setup

build: setup
	@ls -d target/release/build/llama-cpp-sys-2-*/out >/dev/null 2>&1 || \
		echo 'make: building; llama.cpp takes some minutes the first time (about 7 minutes of one core)'
	@$(CARGO) build --release

model: build
	@$(HEARTHD) models pull $(SMALL_MODEL)

demo: model
	@.ci/demo

# config.yaml names the Llama pair, which is a large download that nobody asked for yet: until it is there, the small model
# answers in its place.
run: model
	@if [ -z "$$HEARTHD__MODELS__CHAT__MODEL" ] && [ -z "$$HEARTHD__MODELS__EXPLAIN__MODEL" ] && \
		grep -q '^ *model: llama-3.2-1b-instruct' config.yaml && ! ls models/Llama-3.2-*.gguf >/dev/null 2>&1; then \
		echo 'make: the models of config.yaml are not here yet; $(SMALL_MODEL) answers in their place. To fetch them:'; \
		echo 'make:   $(HEARTHD) models pull llama-3.2-1b-instruct && $(HEARTHD) models pull llama-3.2-3b-instruct'; \
		export HEARTHD__MODELS__CHAT__MODEL=$(SMALL_MODEL) HEARTHD__MODELS__EXPLAIN__MODEL=$(SMALL_MODEL); \
	fi; \
	exec $(HEARTHD) --config config.yaml run

# Cheap checks first.
test: build model
	@.ci/sliding-model
	@.ci/zigbee2mqtt
	@.ci/home-assistant
	@echo '== cargo fmt --check'
	@cargo fmt --check
	@echo '== cargo clippy'
	@$(CARGO) clippy --release --all-targets -- -D warnings
	@echo '== hearthd check, hearthd test'
	@$(HEARTHD) check
	@$(HEARTHD) test
	@echo '== fuzz'
	@.ci/fuzz
	@echo '== cargo test'
	@$(CARGO) test --release --no-fail-fast

fuzz: setup
	@.ci/fuzz

bench: build model
	@$(CARGO) bench --profile release --bench echo --bench decode --bench tier1 --bench hostile
	@$(MAKE) --no-print-directory bench-models

bench-models: build model
	@benches/models/setup
	@$(CARGO) bench --profile release --bench models

bench-intents: build
	@python3 benches/hassil.py --hearthd $(HEARTHD)
