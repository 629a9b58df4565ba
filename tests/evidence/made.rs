//! A log as ours are, made here from nothing but the format: its leaves, its files, and the notes over them.

use std::{collections::BTreeMap, path::Path};

use audit::log::{
    bundle,
    checkpoint::Checkpoint,
    cosignature,
    edge::Edge,
    key::{Kind, SigningKey},
    tile::{self, Rank},
    tree::{Hash, leaf_hash, root_of, sha256},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The origin of the log.
pub(super) const ORIGIN: &str = "example.test/idtrail";
/// The first leaf's time, 2026-11-25T08:00:00Z, in seconds; each further one comes 50 ms later.
const BEGUN: u64 = 1_795_593_600;
const PACE: u64 = 50;

/// The files of a log by their paths.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// The key of the log.
pub(super) fn key() -> SigningKey {
    SigningKey::new(ORIGIN, Kind::Log, &[11; 32]).unwrap()
}

/// The key of its witness.
pub(super) fn witness() -> SigningKey {
    SigningKey::new("example.test/witness", Kind::Witness, &[12; 32]).unwrap()
}

/// When leaf `at` gets its index, as leaves have it.
pub(super) fn time(at: u64) -> String {
    let millis = at * PACE;
    let (minutes, rest) = (millis / 60_000, millis % 60_000);
    format!(
        "2026-11-25T08:{minutes:02}:{:02}.{:03}Z",
        rest / 1_000,
        rest % 1_000
    )
}

/// When the witness sees the checkpoint after leaf `at`, in seconds.
pub(super) fn seen(at: u64) -> u64 {
    BEGUN + at * PACE / 1_000 + 1
}

/// Salt and body of an entry.
pub(super) fn opening(at: u64) -> ([u8; 32], Vec<u8>) {
    let salt = sha256(&[b"salt", &at.to_be_bytes()]);
    (salt, format!("{{\"check\":{at}}}").into_bytes())
}

fn commitment(at: u64) -> String {
    let (salt, body) = opening(at);
    STANDARD.encode(sha256(&[b"idv-audit/commit/1\0", &salt, &body]))
}

/// A leaf: of one of two partitions, and each fiftieth of the log's own.
pub(super) fn leaf(at: u64) -> Vec<u8> {
    let (kind, source) = match at % 50 {
        49 => ("batch", format!(r#""",0,{}"#, at / 50)),
        _ => (
            "event",
            format!(r#""idv.checked",{},{}"#, at % 2, 1_000 + at),
        ),
    };
    let (commit, time) = (commitment(at), time(at));
    format!(r#"{{"c":"{commit}","k":"{kind}","o":[{source}],"t":"{time}","v":1}}"#).into_bytes()
}

/// The leaves of a log of this size.
pub(super) fn leaves(size: u64) -> Vec<Vec<u8>> {
    (0..size).map(leaf).collect()
}

/// The tiles and bundles of these leaves.
pub(super) fn tiles(leaves: &[Vec<u8>]) -> Files {
    let hashes = leaves.iter().map(|leaf| leaf_hash(leaf));
    let size = u64::try_from(leaves.len()).unwrap();
    let mut files: Files = Edge::empty()
        .push(hashes)
        .into_iter()
        .map(|(tile, data)| (tile.to_string(), data))
        .collect();
    for (tile, entries) in tile::grown_at(Rank::Entries, 0, size).zip(leaves.chunks(256)) {
        let bundle = bundle::encode(entries.iter().map(Vec::as_slice)).unwrap();
        files.insert(tile.to_string(), bundle);
    }
    files
}

/// The checkpoint of these leaves, signed with the key, cosigned at a time.
pub(super) fn checkpoint(leaves: &[Vec<u8>], key: &SigningKey, seen: u64) -> Vec<u8> {
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    let checkpoint = Checkpoint {
        origin: ORIGIN.to_owned(),
        size: u64::try_from(leaves.len()).unwrap(),
        root: root_of(&hashes),
        extensions: Vec::new(),
    };
    let mut note = checkpoint.sign(key).unwrap();
    note.add(cosignature::sign(&witness(), seen, note.text()).unwrap());
    note.to_string().into_bytes()
}

/// A whole log of these leaves, signed and cosigned as it should be.
pub(super) fn log(leaves: &[Vec<u8>]) -> Files {
    let mut files = tiles(leaves);
    let last = u64::try_from(leaves.len()).unwrap();
    let note = checkpoint(leaves, &key(), seen(last));
    files.insert("checkpoint".to_owned(), note);
    files
}

/// Writes the files into a folder.
pub(super) fn write(files: &Files, folder: &Path) {
    for (path, data) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, data).unwrap();
    }
}
