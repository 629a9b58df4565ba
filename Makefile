# `make` alone says what there is.

.DEFAULT_GOAL := help
# `idtrail --version` names what it was built from.
export IDTRAIL_REVISION := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
.PHONY: help up demo test soak fuzz bench bench-door bench-audit check clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## all services in one process, with no other software; data in ./data
	tests/parts/setup.sh build
	cargo run --release --locked -- up

demo: ## the whole story unattended, in seconds once built
	tests/parts/setup.sh build
	cargo build --release --locked
	target/release/idtrail demo

check: ## format, lints and documentation; no test
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --workspace --document-private-items --locked

test: ## every check and test, with real Kafka, registry, PostgreSQL and mail; what CI runs
	tests/parts/setup.sh test
	tests/test

# Built before the parts start: two JVMs beside a release build would only slow it.
soak: ## long load with kills in between, ended by proofs
	tests/parts/setup.sh test
	cargo test --release --locked --test world --no-run
	IDTRAIL_SOAK=1 tests/run -- cargo test --release --locked --test world soak -- --ignored --nocapture --test-threads=1

# Needs a C++ compiler and, the first time, some minutes.
fuzz: ## the fuzz targets, FUZZ_SECONDS each (1800); `tests/fuzz keep` takes over what they found
	tests/fuzz run

bench: ## how fast, with the same parts
	tests/parts/setup.sh test
	cargo build --release --locked -p bench -p idtrail
	tests/run -- tests/parts/bench.sh target/release/bench all

# The rivals are built before the parts start, for the reason above.
bench-door: ## our door against bare handlers in Rust, Go and Java; DOOR='--quick' for a look, '--rounds N --seconds S'
	tests/parts/setup.sh test
	cargo build --release --locked -p bench -p idtrail
	tests/parts/bench.sh
	tests/run --parts kafka,registry,postgres -- tests/parts/bench.sh target/release/bench door $(DOOR)

bench-audit: ## the history: events/s, witnesses, answers at ten million leaves; AUDIT='--quick' for a look, '--keep DIR'
	tests/parts/setup.sh test
	cargo build --release --locked -p bench
	tests/run --parts postgres -- target/release/bench audit $(AUDIT)

clean: ## what was built; ./data and the downloads stay
	cargo clean
