//! The kept corpus of the fuzz targets, replayed.

use std::path::{Path, PathBuf};

/// Files of one target: what every run replays stays small.
const MOST: usize = 100;

/// Calls a target with every file of its corpus.
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
        files.len() <= MOST,
        "{} files of {target} are too many: tests/fuzz keep",
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
