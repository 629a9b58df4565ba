//! Raw requests on one connection, however they are cut into pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ingest::fuzzing::request(bytes));
