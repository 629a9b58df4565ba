//! Chunked bodies, however they are cut into pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ingest::fuzzing::chunked(bytes));
