# `make` alone says what there is.

.DEFAULT_GOAL := help
.PHONY: help up demo test soak bench check clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## all services in one process, with no other software; data in ./data
	tests/parts/setup.sh build
	cargo run --release --locked -- up

demo: ## a callback from the door to the notice and its proof, in a minute
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

bench: ## how fast, with the same parts
	tests/parts/setup.sh test
	cargo build --release --locked -p bench
	tests/run -- cargo run --release --locked -p bench -- all

clean: ## what was built; ./data and the downloads stay
	cargo clean
