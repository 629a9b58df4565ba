//! Policies: what is read, what is refused, and what a quorum means.

use super::*;
use crate::log::key::SigningKey;

fn key(name: &str, kind: Kind, seed: u8) -> SigningKey {
    SigningKey::new(name, kind, &[seed; 32]).unwrap()
}

fn log() -> SigningKey {
    key("example.test/log", Kind::Log, 1)
}

fn witness(number: u8) -> SigningKey {
    key(
        &format!("witness.test/{number}"),
        Kind::Witness,
        100 + number,
    )
}

fn note(witnesses: &[u8]) -> String {
    let checkpoint = Checkpoint {
        origin: "example.test/log".to_owned(),
        size: 5,
        root: [5; 32],
        extensions: Vec::new(),
    };
    let mut note = checkpoint.sign(&log()).unwrap();
    for number in witnesses {
        let line = cosignature::sign(&witness(*number), 1_790_000_000, note.text());
        note.add(line.unwrap());
    }
    note.to_string()
}

/// The example of the specification, with keys.
fn two_levels() -> String {
    let mut lines = vec![format!("# whom we trust\nlog {}\n\n", log().verifier())];
    for (number, name) in (1..=6).zip(["X1", "X2", "X3", "Y1", "Y2", "Y3"]) {
        let key = witness(number);
        lines.push(format!(
            "\twitness {name}  {} https://example.test/{number}\n",
            key.verifier()
        ));
    }
    lines.concat() + "group X 2 X1 X2 X3\ngroup Y any Y1 Y2 Y3\ngroup both all X Y\nquorum both\n"
}

#[test]
fn a_quorum_over_two_levels_asks_for_enough_of_each_group() {
    let policy = Policy::parse(&two_levels()).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().len()), (1, 6));
    for enough in [
        [1, 2, 4].as_slice(),
        &[2, 3, 6],
        &[1, 2, 3, 4, 5, 6],
        &[5, 3, 1],
    ] {
        let satisfied = policy.check(note(enough).as_bytes()).unwrap();
        assert_eq!(satisfied.cosigned.len(), enough.len());
        assert_eq!(
            (satisfied.checkpoint.size, satisfied.cosigned.values().max()),
            (5, Some(&1_790_000_000))
        );
    }
    for few in [[].as_slice(), &[1, 2], &[1, 4], &[4, 5, 6], &[1, 2, 7]] {
        assert_eq!(
            policy.check(note(few).as_bytes()),
            Err(PolicyError::Quorum),
            "{few:?}"
        );
    }
}

#[test]
fn a_false_cosignature_spoils_a_checkpoint_that_needs_none() {
    let text = format!(
        "log {}\nwitness w {}\nquorum none\n",
        log().verifier(),
        witness(1).verifier()
    );
    let policy = Policy::parse(&text).unwrap();
    assert!(policy.check(note(&[]).as_bytes()).is_ok());
    let mut note = Note::parse(note(&[]).as_bytes()).unwrap();
    let elsewhere = cosignature::sign(&witness(1), 1_790_000_000, "example.test/other\n5\nx\n");
    note.add(elsewhere.unwrap());
    let refused = policy.check(note.to_string().as_bytes());
    assert_eq!(
        refused,
        Err(PolicyError::Checkpoint(CheckpointError::Note(
            NoteError::Signature
        )))
    );
}

#[test]
fn witnesses_alone_do_not_make_a_checkpoint_of_an_unknown_log() {
    let other = key("example.test/other", Kind::Log, 2);
    let text = format!(
        "log {}\nwitness w {}\nquorum w\n",
        other.verifier(),
        witness(1).verifier()
    );
    let refused = Policy::parse(&text).unwrap().check(note(&[1]).as_bytes());
    assert_eq!(
        refused,
        Err(PolicyError::Checkpoint(CheckpointError::Note(
            NoteError::Unsigned
        )))
    );
}

#[test]
fn lines_that_do_not_fit_are_refused_by_their_numbers() {
    let (log, first, second) = (log(), witness(1), witness(2));
    let (log, first, second) = (log.verifier(), first.verifier(), second.verifier());
    let start = format!("log {log}\nwitness a {first}\nwitness b {second}\n");
    for (text, line) in [
        (format!("{start}quorum c\n"), 4),
        (format!("{start}group g 3 a b\nquorum g\n"), 4),
        (format!("{start}group g 0 a b\nquorum g\n"), 4),
        (format!("{start}group g 01 a b\nquorum g\n"), 4),
        (format!("{start}group g any\nquorum g\n"), 4),
        (format!("{start}group g all a a\nquorum g\n"), 4),
        (
            format!("{start}group g all a\ngroup h all a b\nquorum h\n"),
            5,
        ),
        (format!("{start}group g all none\nquorum g\n"), 4),
        (format!("{start}group none all a\nquorum none\n"), 4),
        (format!("{start}group a all b\nquorum a\n"), 4),
        (
            format!("{start}group g all h\ngroup h all a\nquorum g\n"),
            4,
        ),
        (format!("{start}quorum a\nquorum b\n"), 5),
        (format!("{start}log {log}\nquorum a\n"), 4),
        (format!("{start}witness c {first}\nquorum a\n"), 4),
        (format!("{start}witness c {log}\nquorum a\n"), 4),
        (format!("log {first}\nquorum none\n"), 1),
        (format!("{start}frobnicate\nquorum a\n"), 4),
        (start.clone(), 0),
        (format!("{start}quorum a\r\n"), 0),
    ] {
        assert_eq!(Policy::parse(&text), Err(PolicyError::Line(line)), "{text}");
    }
    assert!(Policy::parse("quorum none").is_ok());
}
