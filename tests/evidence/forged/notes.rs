//! Forgeries of the checkpoint, and those that only the operator can make: rewritten, computed again, and signed.

use audit::log::{
    cosignature,
    key::{Kind, SigningKey},
    note::Note,
};

use super::{BEFORE, Forgery, SIZE, bytes, good, of, other, with, without};
use crate::evidence::made::{self, Files, ORIGIN};

/// The log with another checkpoint text.
fn note(from: &str, to: &str) -> Files {
    bytes("checkpoint", |data| {
        let text = String::from_utf8(data.clone()).unwrap();
        assert!(text.contains(from));
        *data = text.replacen(from, to, 1).into_bytes();
    })
}

/// The log with another letter in its checkpoint, 20 after a text: within a root or a signature.
fn letter(after: &str) -> Files {
    bytes("checkpoint", |data| {
        let text = String::from_utf8(data.clone()).unwrap();
        let at = text.find(after).unwrap() + after.len() + 20;
        data[at] = if data[at] == b'A' { b'B' } else { b'A' };
    })
}

/// Of the checkpoint.
pub(super) fn notes() -> Vec<Forgery> {
    let leaves = made::leaves(SIZE);
    let mut stranger = good();
    let other = SigningKey::new(ORIGIN, Kind::Log, &[13; 32]).unwrap();
    let forged = made::checkpoint(&leaves, &other, made::seen(SIZE));
    stranger.insert("checkpoint".to_owned(), forged);
    let alone = bytes("checkpoint", |data| {
        let text = String::from_utf8(data.clone()).unwrap();
        let end = text.rfind('\u{2014}').unwrap();
        *data = text.as_bytes()[..end].to_vec();
    });
    let invented = bytes("checkpoint", |data| {
        let mut note = Note::parse(data).unwrap();
        let line = cosignature::sign(&made::witness(), 9, "another text\n").unwrap();
        note.add(line);
        *data = note.to_string().into_bytes();
    });
    vec![
        of(
            "size of the checkpoint lowered",
            "checkpoint",
            note("\n1300\n", "\n1299\n"),
        ),
        of(
            "size of the checkpoint with a leading zero",
            "checkpoint",
            note("\n1300\n", "\n01300\n"),
        ),
        of(
            "root of the checkpoint changed",
            "checkpoint",
            letter("\n1300\n"),
        ),
        of(
            "origin of the checkpoint changed",
            "checkpoint",
            note("example.test", "example.text"),
        ),
        of(
            "line added to the checkpoint",
            "checkpoint",
            note("\n1300\n", "\n1300\nextra\n"),
        ),
        of(
            "signature of the log changed",
            "checkpoint",
            letter("example.test/idtrail "),
        ),
        of(
            "checkpoint signed by another key of that name",
            "checkpoint",
            stranger,
        ),
        of("cosignature taken away", "checkpoint", alone),
        of("cosignature made for another text", "checkpoint", invented),
        of("checkpoint missing", "missing", without("checkpoint")),
    ]
}

fn again(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Files {
    let mut leaves = made::leaves(SIZE);
    change(&mut leaves);
    made::log(&leaves)
}

/// What only the operator can do: change history, compute everything again, and sign it with the log's own key.
pub(super) fn signed_again() -> Vec<Forgery> {
    vec![
        of(
            "an entry rewritten, signed again",
            "rewritten",
            again(|all| all[5] = other(5)),
        ),
        of(
            "an entry left out, signed again",
            "rewritten",
            again(|all| drop(all.remove(400))),
        ),
        of(
            "the newest 800 entries cut off, signed again",
            "shrunk",
            again(|all| all.truncate(500)),
        ),
        // The leaf that follows the older checkpoint claims to be of a minute before that was seen.
        Forgery {
            seen: made::seen(BEFORE) + 60,
            ..of(
                "entries dated back before the last visit, signed again",
                "back_dated",
                good(),
            )
        },
        of(
            "an entry dated ahead, signed again",
            "dated_ahead",
            again(|all| {
                all[1_299] = with(1_299, &made::time(1_299), "2026-11-25T09:30:00.000Z");
            }),
        ),
        of(
            "time going back, signed again",
            "order",
            again(|all| {
                all[1_200] = with(1_200, &made::time(1_200), &made::time(1_100));
            }),
        ),
        of(
            "a record entered twice, signed again",
            "source",
            again(|all| {
                all[1_200] = with(1_200, ",2200]", ",2100]");
            }),
        ),
    ]
}

/// Leaves that are none of ours, under a root and a signature that are right.
pub(super) fn strange_leaves() -> Vec<Forgery> {
    vec![
        of(
            "a leaf with a space, signed again",
            "leaf",
            again(|all| all[900] = with(900, ",\"k\"", ", \"k\"")),
        ),
        of(
            "a leaf of an unknown kind, signed again",
            "leaf",
            again(|all| all[900] = with(900, "event", "other")),
        ),
        of(
            "a leaf with a short commitment, signed again",
            "leaf",
            again(|all| all[900] = with(900, "=\",", "\",")),
        ),
        of(
            "a leaf of another version, signed again",
            "leaf",
            again(|all| all[900] = with(900, "\"v\":1", "\"v\":2")),
        ),
    ]
}
