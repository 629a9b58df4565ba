//! Our witness against a log of our own make, honest and not.

use std::{os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use stage::{Chance, SystemClock};

use super::{Running, get, post};
use crate::{
    log::{
        checkpoint::Checkpoint,
        consistency::build,
        cosignature,
        key::{Kind, SigningKey, VerifierKey},
        note::{Note, Signature},
        tree::{Hash, leaf_hash, root_of, sha256},
    },
    witness::{Submission, server::Server},
};

const ORIGIN: &str = "example.test/log";

fn key(seed: u8) -> SigningKey {
    SigningKey::new(ORIGIN, Kind::Log, &[seed; 32]).unwrap()
}

/// The leaves of the log; those of another history with another entry 5.
fn leaves(size: usize, honest: bool) -> Vec<Hash> {
    (0..size)
        .map(|at| leaf_hash(format!("leaf {at} {}", honest || at != 5).as_bytes()))
        .collect()
}

fn signed(leaves: &[Hash], key: &SigningKey) -> Note {
    let checkpoint = Checkpoint {
        origin: key.verifier().name().to_owned(),
        size: u64::try_from(leaves.len()).unwrap(),
        root: root_of(leaves),
        extensions: Vec::new(),
    };
    checkpoint.sign(key).unwrap()
}

/// A submission from `old` leaves of this history to all of them.
fn from(old: u64, leaves: &[Hash], key: &SigningKey) -> Submission {
    let new = u64::try_from(leaves.len()).unwrap();
    Submission {
        old,
        proof: build(&mut &*leaves, old, new).unwrap_or_default(),
        note: signed(leaves, key).to_string(),
    }
}

async fn running(folder: &Path) -> Running {
    let witness = Running::start(folder, Arc::new(SystemClock)).await;
    let vkey = key(7).verifier().to_string();
    assert_eq!(witness.server.add_log(&vkey).await.unwrap(), ORIGIN);
    witness
}

async fn status(witness: &Running, submission: &Submission) -> u16 {
    post(&witness.url(), submission.to_string()).await.0
}

/// A submission that is cosigned: the line verifies, and the checkpoint is handed out with it.
async fn cosigned(witness: &Running, submission: &Submission) {
    let (status, kind, body) = post(&witness.url(), submission.to_string()).await;
    assert_eq!(
        (status, kind.as_str()),
        (200, "text/plain; charset=utf-8"),
        "{body}"
    );
    let key = VerifierKey::parse(&witness.server.vkey()).unwrap();
    let note = Note::parse(submission.note.as_bytes()).unwrap();
    let line = Signature::parse(body.strip_suffix('\n').unwrap()).unwrap();
    assert!(cosignature::time_of(&line, &key, note.text()).is_some());
    let hash = hex::encode(sha256(&[ORIGIN.as_bytes()]));
    let (status, _, shown) = get(&format!("{}/{hash}/checkpoint", witness.url())).await;
    let shown = (status, Note::parse(shown.as_bytes()).unwrap());
    let mut expected = note;
    expected.add(line);
    assert_eq!(shown, (200, expected));
}

#[tokio::test]
async fn an_honest_log_is_cosigned_and_every_other_history_refused() {
    let folder = tempfile::tempdir().unwrap();
    let witness = running(folder.path()).await;
    let log = key(7);
    let (all, forged) = (leaves(1_200, true), leaves(1_200, false));
    let (to, forged_to) = (
        |old, new: usize| from(old, &all[..new], &log),
        |old, new: usize| from(old, &forged[..new], &log),
    );
    cosigned(&witness, &to(0, 257)).await;
    let told = post(&witness.url(), to(0, 1_000).to_string()).await;
    let size = (409, "text/x.tlog.size".to_owned(), "257\n".to_owned());
    assert_eq!(told, size);
    let mut cut = to(257, 1_000);
    cut.proof.pop();
    assert_eq!(status(&witness, &cut).await, 422);
    let mut of_nothing = to(257, 1_000);
    of_nothing.proof.clear();
    assert_eq!(status(&witness, &of_nothing).await, 422);
    cosigned(&witness, &to(257, 1_000)).await;
    cosigned(&witness, &to(1_000, 1_000)).await;
    // Rewritten, rebuilt, and signed with the log's own key.
    assert_eq!(status(&witness, &forged_to(1_000, 1_200)).await, 422);
    assert_eq!(status(&witness, &forged_to(1_000, 1_000)).await, 422);
    let mut borrowed = forged_to(1_000, 1_200);
    borrowed.proof = to(1_000, 1_200).proof;
    assert_eq!(status(&witness, &borrowed).await, 422);
    assert_eq!(status(&witness, &to(1_000, 500)).await, 400, "rolled back");
    assert_eq!(status(&witness, &to(500, 500)).await, 409, "rolled back");
    assert_eq!(status(&witness, &to(0, 0)).await, 409);
    cosigned(&witness, &to(1_000, 1_200)).await;
}

#[tokio::test]
async fn what_is_not_signed_by_the_log_or_not_of_a_known_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let witness = running(folder.path()).await;
    let all = leaves(9, true);
    assert_eq!(status(&witness, &from(0, &all, &key(8))).await, 403);
    let other = SigningKey::new("other.test/log", Kind::Log, &[7; 32]).unwrap();
    assert_eq!(status(&witness, &from(0, &all, &other)).await, 404);
    let mut flipped = from(0, &all, &key(7));
    let line = Note::parse(flipped.note.as_bytes()).unwrap().signatures()[0].clone();
    let mut bytes = line.bytes().to_vec();
    bytes[9] ^= 1;
    let mut note = signed(&all, &key(7));
    note.add(Signature::new(ORIGIN, key(7).verifier().id(), bytes).unwrap());
    flipped.note = note.to_string();
    assert_eq!(status(&witness, &flipped).await, 403);
    // Signed by the log, but the text says that it is of another.
    let mut foreign = Note::new(signed(&all, &other).text()).unwrap();
    foreign.sign(&key(7));
    let mut elsewhere = from(0, &all, &key(7));
    elsewhere.note = foreign.to_string();
    assert_eq!(status(&witness, &elsewhere).await, 404);
    for body in [
        "",
        "old 0\n\n",
        "old x\n\nnote",
        "old 0\n\na\n1\nx\n\n\u{2014} a b\n",
    ] {
        assert_eq!(post(&witness.url(), body).await.0, 400, "{body:?}");
    }
    let long = format!("old 0\n\n{}", "x".repeat(16 << 10));
    assert_eq!(post(&witness.url(), long).await.0, 413);
    let url = witness.url();
    assert_eq!(get(&format!("{url}/add-checkpoint")).await.0, 405);
    assert_eq!(get(&format!("{url}/nothing")).await.0, 404);
    assert_eq!(get(&format!("{url}/00/checkpoint")).await.0, 404);
    assert_eq!(get(&url).await.2.trim_end(), witness.server.vkey());
    cosigned(&witness, &from(0, &all, &key(7))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_histories_at_the_same_moment_one_is_cosigned() {
    for round in 0..8_u8 {
        let folder = tempfile::tempdir().unwrap();
        let witness = running(folder.path()).await;
        let count = 20 + usize::from(round);
        let [honest, forged] = [true, false].map(|one| from(0, &leaves(count, one), &key(7)));
        let both = tokio::join!(status(&witness, &honest), status(&witness, &forged));
        // The slower one believes that nothing was seen.
        assert!(both == (200, 409) || both == (409, 200), "{both:?}");
    }
}

#[tokio::test]
async fn a_witness_stays_itself_and_remembers_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let witness = running(folder.path()).await;
    let all = leaves(40, true);
    cosigned(&witness, &from(0, &all[..30], &key(7))).await;
    let vkey = witness.server.vkey();
    drop(witness);
    let file = folder.path().join("witness.key");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let open = async |name: Option<&'static str>| {
        Server::open(folder.path(), name, Chance::system(), Arc::new(SystemClock)).await
    };
    let unnamed = open(None).await.unwrap();
    assert_eq!(unnamed.vkey(), vkey);
    let renamed = open(Some("another.test")).await.unwrap_err().to_string();
    assert!(renamed.contains("witness.test/ours"), "{renamed}");
    let again = running(folder.path()).await;
    assert_eq!(status(&again, &from(0, &all, &key(7))).await, 409);
    cosigned(&again, &from(30, &all, &key(7))).await;
    for wrong in ["", "x", vkey.as_str()] {
        assert!(again.server.add_log(wrong).await.is_err(), "{wrong}");
    }
    for sql in [
        "UPDATE heads SET size = 1",
        "DELETE FROM heads",
        "UPDATE heads SET root = zeroblob(32)",
    ] {
        let file = folder.path().join("witness.db");
        let url = format!("sqlite:{}", file.display());
        let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
        let refused = sqlx::query(sql).execute(&pool).await;
        let why = refused.unwrap_err().to_string();
        assert!(why.contains("does not go back"), "{why}");
    }
    // Nobody would know a new key by the old name.
    std::fs::remove_file(file).unwrap();
    assert!(open(None).await.is_err());
}
