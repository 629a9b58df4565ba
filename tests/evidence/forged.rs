//! Forgeries of a log of ours: what somebody changes, and the finding that must name it.

use audit::log::{bundle, tree::leaf_hash};

use super::made::{self, Files};

mod notes;

/// Leaves of the log: five full bundles and a begun one.
pub(super) const SIZE: u64 = 1_300;
/// Leaves that the auditor's older checkpoint covers.
pub(super) const BEFORE: u64 = 600;
/// Leaves of a log with tiles of three levels.
const LARGE: u64 = 65_800;

/// One forgery.
pub(super) struct Forgery {
    /// What was done.
    pub(super) name: &'static str,
    /// The finding that ours must begin with.
    pub(super) finding: &'static str,
    /// The log afterwards.
    pub(super) files: Files,
    /// When the witness had seen the auditor's older checkpoint, in seconds.
    pub(super) seen: u64,
}

fn of(name: &'static str, finding: &'static str, files: Files) -> Forgery {
    Forgery {
        name,
        finding,
        files,
        seen: made::seen(BEFORE),
    }
}

/// All of them.
pub(super) fn all() -> Vec<Forgery> {
    let mut all = entries();
    all.extend(bundles());
    all.extend(tiles());
    all.extend(large());
    all.extend(notes::notes());
    all.extend(notes::signed_again());
    all.extend(notes::strange_leaves());
    all
}

fn good() -> Files {
    made::log(&made::leaves(SIZE))
}

/// The log with a change to the leaves in its bundles, and to nothing else.
fn in_bundles(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Files {
    let mut leaves = made::leaves(SIZE);
    change(&mut leaves);
    let mut files = good();
    let bundles = made::tiles(&leaves).into_iter();
    files.extend(bundles.filter(|(path, _)| path.starts_with("tile/entries/")));
    files
}

/// A leaf with one text in place of another.
fn with(at: u64, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(made::leaf(at)).unwrap();
    assert!(text.contains(from), "{from} stands not in {text}");
    text.replacen(from, to, 1).into_bytes()
}

/// Another commitment than that of a leaf.
fn other(at: u64) -> Vec<u8> {
    let (this, that) = (made::leaf(at), made::leaf(at + 1));
    [&that[..51], &this[51..]].concat()
}

/// A file with a change to its bytes.
fn bytes(path: &str, change: impl FnOnce(&mut Vec<u8>)) -> Files {
    let mut files = good();
    change(files.get_mut(path).unwrap());
    files
}

fn without(path: &str) -> Files {
    let mut files = good();
    files.remove(path).unwrap();
    files
}

fn beside(path: &str, data: Vec<u8>) -> Files {
    let mut files = good();
    assert!(files.insert(path.to_owned(), data).is_none());
    files
}

fn entries() -> Vec<Forgery> {
    vec![
        of(
            "commitment of an entry changed",
            "entry",
            in_bundles(|all| all[300] = other(300)),
        ),
        of(
            "kind of an entry changed",
            "entry",
            in_bundles(|all| all[301] = with(301, "event", "erase")),
        ),
        of(
            "offset of the last entry changed",
            "entry",
            in_bundles(|all| all[1_298] = with(1_298, ",2298]", ",9298]")),
        ),
        of(
            "time of an entry changed",
            "entry",
            in_bundles(|all| all[600] = with(600, "30.000Z", "30.001Z")),
        ),
        of(
            "two entries of a bundle swapped",
            "order",
            in_bundles(|all| all.swap(10, 12)),
        ),
        of(
            "two bundles swapped",
            "entry",
            in_bundles(|all| {
                let (first, second) = all.split_at_mut(512);
                first[256..].swap_with_slice(&mut second[..256]);
            }),
        ),
        of(
            "an entry put in place of another",
            "source",
            in_bundles(|all| all[700] = made::leaf(500)),
        ),
    ]
}

fn bundles() -> Vec<Forgery> {
    let last = "tile/entries/005.p/20";
    vec![
        of(
            "bundle one entry short",
            "bundle",
            bytes(last, |data| {
                let length = 2 + made::leaf(SIZE - 1).len();
                data.truncate(data.len() - length);
            }),
        ),
        of(
            "bundle one byte short",
            "bundle",
            bytes(last, |data| data.truncate(data.len() - 1)),
        ),
        of(
            "bundle with an entry too many",
            "bundle",
            bytes("tile/entries/002", |data| {
                let extra = bundle::encode([made::leaf(9).as_slice()]).unwrap();
                data.extend(extra);
            }),
        ),
        of(
            "bundle with bytes after its end",
            "bundle",
            bytes(last, |data| data.push(0)),
        ),
        of(
            "length of an entry changed",
            "bundle",
            bytes("tile/entries/001", |data| data[0] ^= 1),
        ),
        of("bundle missing", "missing", without("tile/entries/003")),
    ]
}

fn tiles() -> Vec<Forgery> {
    let mut hidden = in_bundles(|all| all[770] = other(770));
    let from = 32 * (770 - 768);
    let tile = hidden.get_mut("tile/0/003").unwrap();
    tile[from..from + 32].copy_from_slice(&leaf_hash(&other(770)));
    let mut leaves = made::leaves(SIZE);
    leaves[770] = other(770);
    let mut deeper = made::tiles(&leaves);
    deeper.insert("checkpoint".to_owned(), good()["checkpoint"].clone());
    vec![
        of(
            "hash in a full tile of level 0 changed",
            "tile",
            bytes("tile/0/001", |data| data[40] ^= 1),
        ),
        of(
            "hash in the begun tile of level 0 changed",
            "tile",
            bytes("tile/0/005.p/20", |data| data[40] ^= 1),
        ),
        of(
            "two hashes of a tile swapped",
            "tile",
            bytes("tile/0/002", |data| {
                let (first, second) = data.split_at_mut(32);
                first.swap_with_slice(&mut second[..32]);
            }),
        ),
        of(
            "tile one hash short",
            "length",
            bytes("tile/0/005.p/20", |data| data.truncate(19 * 32)),
        ),
        of(
            "tile one hash too long",
            "length",
            bytes("tile/0/005.p/20", |data| data.extend([7; 32])),
        ),
        of("tile of level 0 missing", "missing", without("tile/0/004")),
        of(
            "hash of level 1 changed",
            "tile",
            bytes("tile/1/000.p/5", |data| data[100] ^= 1),
        ),
        of(
            "tile of level 1 missing",
            "missing",
            without("tile/1/000.p/5"),
        ),
        of("entry and its hash changed", "tile", hidden),
        of("entry and all tiles over it changed", "root", deeper),
        of(
            "bundle beyond the end",
            "stray",
            beside("tile/entries/006", vec![0, 1, 0]),
        ),
        of(
            "begun tile that never was",
            "stray",
            beside("tile/0/005.p/7", vec![7; 7 * 32]),
        ),
        of(
            "tile of a level that is not there",
            "stray",
            beside("tile/2/000.p/1", vec![7; 32]),
        ),
    ]
}

fn large() -> Vec<Forgery> {
    let good = made::log(&made::leaves(LARGE));
    let changed = |path: &str, at: usize| {
        let mut files = good.clone();
        files.get_mut(path).unwrap()[at] ^= 1;
        files
    };
    let mut missing = good.clone();
    missing.remove("tile/2/000.p/1").unwrap();
    vec![
        of(
            "hash of level 2 changed",
            "tile",
            changed("tile/2/000.p/1", 9),
        ),
        of("tile of level 2 missing", "missing", missing),
        of(
            "hash in the full tile of level 1 changed",
            "tile",
            changed("tile/1/000", 4_000),
        ),
    ]
}
