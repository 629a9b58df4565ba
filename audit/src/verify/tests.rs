//! The verifier on published logs, good and tampered; and how fast it is.

use std::{collections::BTreeMap, path::Path, sync::Mutex};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::*;
use crate::{
    leaf,
    log::{
        bundle,
        checkpoint::Checkpoint,
        edge::Edge,
        key::{Kind, SigningKey, VerifierKey},
        policy::Policy,
        tile::{self, Rank},
        tree::{Hash, leaf_hash, root_of},
    },
    tests::vectors,
};

/// A log in memory, with files laid over another reader.
struct Over<'a>(Option<&'a Folder>, Mutex<BTreeMap<String, Vec<u8>>>);

#[async_trait]
impl LogReader for Over<'_> {
    async fn read(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, Unread> {
        let own = self.1.lock().unwrap().get(path).cloned();
        match (own, self.0) {
            (None, Some(below)) => below.read(path, limit).await,
            (own, _) => Ok(own),
        }
    }

    async fn list(&self) -> Result<Option<Vec<String>>, Unread> {
        match self.0 {
            Some(below) => below.list().await,
            None => Ok(None),
        }
    }
}

fn claims(key: &VerifierKey, leaves: Leaves) -> Claims {
    Claims {
        policy: Policy::of_log(key.clone()),
        leaves,
        since: None,
    }
}

async fn findings(reader: &dyn LogReader, claims: &Claims) -> Vec<Finding> {
    log(reader, claims, &mut |_, _| {}).await.unwrap().findings
}

#[tokio::test]
async fn the_published_log_holds_and_each_tampered_variant_is_refused_with_its_place() {
    let Some(tampered) = vectors("tamper-log-1000.json") else {
        return;
    };
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors/audit/tlog-log-1000");
    let folder = Folder::new(&path);
    let key = VerifierKey::parse(tampered["vkey"].as_str().unwrap()).unwrap();
    let claims = claims(&key, Leaves::Any);
    assert_eq!(findings(&folder, &claims).await, []);
    let expected = [
        "bundle tile/entries/001",
        "tile tile/0/001",
        "tile tile/1/000.p/3",
        "tile tile/1/000.p/3",
        "checkpoint checkpoint",
        "checkpoint checkpoint",
        "bundle tile/entries/003.p/232",
        "bundle tile/entries/003.p/232",
        "entry tile/0/000",
    ];
    let cases = tampered["cases"].as_array().unwrap();
    assert_eq!(cases.len(), expected.len());
    for (case, expected) in cases.iter().zip(expected) {
        let files = case["files"].as_array().unwrap().iter().map(|file| {
            let bytes = STANDARD.decode(file["base64"].as_str().unwrap()).unwrap();
            (file["path"].as_str().unwrap().to_owned(), bytes)
        });
        let over = Over(Some(&folder), Mutex::new(files.collect()));
        let found = findings(&over, &claims).await;
        let first = found
            .first()
            .map(|one| format!("{} {}", one.word(), one.path().unwrap_or_default()));
        assert_eq!(
            first.as_deref(),
            Some(expected),
            "{}: {found:?}",
            case["desc"]
        );
    }
}

fn leaves(count: u64) -> Vec<Vec<u8>> {
    let leaf = |at: u64| {
        let offset = i64::try_from(at).unwrap();
        let time = leaf::time_text(1_795_000_000_000 + offset);
        leaf::of(
            leaf::Kind::Event,
            &root_of(&[]),
            ("idv.checked", 1, offset),
            &time,
        )
    };
    (0..count).map(leaf).collect()
}

/// A whole log of these leaves, by path.
fn files(leaves: &[Vec<u8>], key: &SigningKey) -> BTreeMap<String, Vec<u8>> {
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    let size = u64::try_from(leaves.len()).unwrap();
    let mut files: BTreeMap<String, Vec<u8>> = Edge::empty()
        .push(hashes.iter().copied())
        .into_iter()
        .map(|(tile, data)| (tile.to_string(), data))
        .collect();
    for (tile, entries) in tile::grown_at(Rank::Entries, 0, size).zip(leaves.chunks(256)) {
        let bundle = bundle::encode(entries.iter().map(Vec::as_slice)).unwrap();
        files.insert(tile.to_string(), bundle);
    }
    let checkpoint = Checkpoint {
        origin: key.verifier().name().to_owned(),
        size,
        root: root_of(&hashes),
        extensions: Vec::new(),
    };
    let note = checkpoint.sign(key).unwrap().to_string();
    files.insert("checkpoint".to_owned(), note.into_bytes());
    files
}

#[tokio::test]
async fn logs_of_every_shape_hold() {
    let key = SigningKey::new("example.test/log", Kind::Log, &[7; 32]).unwrap();
    let leaves = leaves(66_100);
    for size in [
        0, 1, 2, 255, 256, 257, 512, 1_000, 65_535, 65_536, 65_537, 66_100,
    ] {
        let over = Over(None, Mutex::new(files(&leaves[..size], &key)));
        let found = findings(&over, &claims(key.verifier(), Leaves::Ours)).await;
        assert_eq!(found, [], "{size} leaves");
    }
}

#[tokio::test]
async fn an_older_checkpoint_holds_at_every_size_and_not_for_other_leaves() {
    let key = SigningKey::new("example.test/log", Kind::Log, &[7; 32]).unwrap();
    let (leaves, policy) = (leaves(700), Policy::of_log(key.verifier().clone()));
    let now = Over(None, Mutex::new(files(&leaves, &key)));
    for size in [1, 255, 256, 257, 512, 600, 700] {
        let mut then = leaves[..size].to_vec();
        let note = files(&then, &key).remove("checkpoint").unwrap();
        let mut claims = claims(key.verifier(), Leaves::Ours);
        claims.since = Some(Pinned::of(&note, &policy).unwrap());
        assert_eq!(findings(&now, &claims).await, [], "{size}");
        then[size - 1] = then[0].clone();
        let note = files(&then, &key).remove("checkpoint").unwrap();
        claims.since = Some(Pinned::of(&note, &policy).unwrap());
        let size = u64::try_from(size).unwrap();
        let expected = if size == 1 {
            vec![]
        } else {
            vec![Finding::Rewritten { size }]
        };
        assert_eq!(findings(&now, &claims).await, expected);
    }
}

/// Run it in a release build; an unoptimised one says nothing.
#[tokio::test]
#[ignore = "a measurement"]
async fn how_fast_a_log_is_verified() {
    let key = SigningKey::new("example.test/log", Kind::Log, &[7; 32]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let size = 1_000_000;
    for (path, data) in files(&leaves(size), &key) {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, data).unwrap();
    }
    let begun = std::time::Instant::now();
    let found = findings(
        &Folder::new(folder.path()),
        &claims(key.verifier(), Leaves::Ours),
    )
    .await;
    let took = begun.elapsed();
    assert_eq!(found, []);
    #[expect(clippy::print_stdout, reason = "a measurement prints what it measured")]
    {
        println!("{size} leaves in {took:?}");
    }
}
