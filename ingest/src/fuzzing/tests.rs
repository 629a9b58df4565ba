//! The kept corpus of the fuzz targets, replayed; and that the promises are seen to be broken where they are.

use std::path::{Path, PathBuf};

/// Calls a target with every file of its corpus; how many there are.
fn replay(target: &str, call: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(target);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(
        files.len() >= 10,
        "{} files of {target} are too few",
        files.len()
    );
    assert!(
        files.len() <= 300,
        "{} files of {target} are too many: `cargo fuzz cmin {target}`",
        files.len()
    );
    let failed: Vec<_> = files
        .iter()
        .filter(|file| {
            let bytes = std::fs::read(file).unwrap();
            std::panic::catch_unwind(|| call(&bytes)).is_err()
        })
        .collect();
    assert!(failed.is_empty(), "{target} fails for {failed:?}");
}

#[test]
fn the_corpus_of_raw_requests() {
    replay("request", super::request);
}

#[test]
fn the_corpus_of_chunked_bodies() {
    replay("chunked", super::chunked);
}

#[test]
fn the_corpus_of_forwarded_lines() {
    replay("forwarded", super::forwarded);
}

#[test]
fn the_corpus_of_proxy_headers() {
    replay("proxy_header", super::proxy_header);
}
