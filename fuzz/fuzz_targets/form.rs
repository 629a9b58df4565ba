//! Forms of the provider.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| jumio::fuzzing::form(bytes));
