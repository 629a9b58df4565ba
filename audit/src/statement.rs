//! The signed account of a day: what came in, what became of it, which offsets were read, and the checkpoint that covers it.
//!
//! A signed note (C2SP signed-note) by the log's key. Its text can never be taken for a checkpoint: where those have their
//! size, it names the log.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemas::Date;

use crate::{
    log::{
        key::{Kind, SigningKey, VerifierKey},
        note::{Note, NoteError},
        tree::Hash,
    },
    reconcile::Range,
};

/// The first line of every statement.
pub const HEAD: &str = "idtrail assurance v1";
/// Most partitions that a statement lists: of six topics, each with what one cluster has.
const MAX_RANGES: usize = 10_000;

/// What became of the callbacks of an hour or a day. Every one is counted once: `accepted` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Account {
    /// Callbacks that the history has of that time.
    pub accepted: u64,
    /// Of these: everybody was told who was to be told.
    pub audited: u64,
    /// Of these: refused, and admins were told.
    pub refused: u64,
    /// Of these: the provider had sent the event before.
    pub repeats: u64,
    /// Of these: the client's key was destroyed before they came to an end that can still be read.
    pub erased: u64,
    /// Of these: still on their way, and young enough for that.
    pub in_flight: u64,
    /// Of these: lost, as far as anybody knows.
    pub missing: u64,
}

impl Account {
    /// Whether every callback is counted once.
    pub fn adds_up(&self) -> bool {
        let counted = [
            self.audited,
            self.refused,
            self.repeats,
            self.erased,
            self.in_flight,
            self.missing,
        ];
        let sum = counted
            .iter()
            .try_fold(0_u64, |sum, one| sum.checked_add(*one));
        sum == Some(self.accepted)
    }

    /// The counts by their names: what was accepted, then what became of it.
    pub fn counts(&self) -> [(&'static str, u64); 7] {
        [
            ("accepted", self.accepted),
            ("audited", self.audited),
            ("refused", self.refused),
            ("repeats", self.repeats),
            ("erased", self.erased),
            ("in_flight", self.in_flight),
            ("missing", self.missing),
        ]
    }
}

/// The account of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Which log it is of.
    pub origin: String,
    /// The day, in UTC, by the times in the leaves: `2026-11-29`.
    pub day: String,
    /// What came in, and what became of it.
    pub account: Account,
    /// The entries of the day: from the first, below the second; equal if there are none.
    pub entries: (u64, u64),
    /// What was read of each partition, in the order of topics and partitions.
    pub ranges: Vec<Range>,
    /// What the callbacks had come to is told as of so many entries.
    pub reconciled: u64,
    /// The checkpoint that covers all of it: its size and root.
    pub checkpoint: (u64, Hash),
}

/// Why a statement is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// The note around it is not accepted.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text of the note is no statement.
    #[error("the note is no statement of a day")]
    Form,
    /// It is signed by the key of another log.
    #[error("the statement is that of another log")]
    Origin,
}

impl Statement {
    /// Reads a text; none if it is not exactly how one is written.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n').peekable();
        let mut word = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let number = |text: &str| text.parse::<u64>().ok();
        if word("idtrail") != HEAD.strip_prefix("idtrail ") {
            return None;
        }
        let origin = word("log")?.to_owned();
        let day = word("day")?.to_owned();
        Date::parse(&day)?;
        let mut account = Account::default();
        for (name, count) in [
            ("accepted", &mut account.accepted),
            ("audited", &mut account.audited),
            ("refused", &mut account.refused),
            ("repeats", &mut account.repeats),
            ("erased", &mut account.erased),
            ("in_flight", &mut account.in_flight),
            ("missing", &mut account.missing),
        ] {
            *count = number(word(name)?)?;
        }
        let (from, below) = word("entries")?.split_once(' ')?;
        let entries = (number(from)?, number(below)?);
        let mut ranges = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with("range ")) {
            ranges.push(range(line).filter(|_| ranges.len() < MAX_RANGES)?);
        }
        let mut word = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let reconciled = number(word("reconciled")?)?;
        let (size, root) = word("checkpoint")?.split_once(' ')?;
        let checkpoint = (number(size)?, STANDARD.decode(root).ok()?.try_into().ok()?);
        let this = Self {
            origin,
            day,
            account,
            entries,
            ranges,
            reconciled,
            checkpoint,
        };
        // Whatever else could be read as a number or a root is not written so.
        (this.to_string() == text).then_some(this)
    }

    /// Reads a note, and accepts it only with a signature of one of these logs over a statement of its own.
    pub fn open(note: &[u8], logs: &[VerifierKey]) -> Result<Self, StatementError> {
        let note = Note::parse(note)?;
        let signed = note.verify(logs)?;
        let this = Self::parse(note.text()).ok_or(StatementError::Form)?;
        let own = |key: &&VerifierKey| key.kind() == Kind::Log && key.name() == this.origin;
        if !signed.iter().any(own) {
            return Err(StatementError::Origin);
        }
        Ok(this)
    }

    /// The statement, signed: the same text each time. None if the key is not that of its log.
    pub fn sign(&self, key: &SigningKey) -> Option<Note> {
        let own = key.verifier().name() == self.origin && key.verifier().kind() == Kind::Log;
        let mut note = Note::new(&self.to_string()).filter(|_| own)?;
        note.sign(key);
        Some(note)
    }
}

fn range(line: &str) -> Option<Range> {
    let mut words = line.strip_prefix("range ")?.rsplitn(6, ' ');
    let mut number = || words.next()?.parse::<i64>().ok().filter(|one| *one >= 0);
    let (gaps, records, last, first) = (number()?, number()?, number()?, number()?);
    let partition = i32::try_from(number()?).ok()?;
    Some(Range {
        topic: words.next()?.to_owned(),
        partition,
        first,
        last,
        records,
        gaps,
    })
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\nlog {}\nday {}", self.origin, self.day)?;
        for (name, count) in self.account.counts() {
            writeln!(f, "{name} {count}")?;
        }
        writeln!(f, "entries {} {}", self.entries.0, self.entries.1)?;
        for one in &self.ranges {
            writeln!(
                f,
                "range {} {} {} {} {} {}",
                one.topic, one.partition, one.first, one.last, one.records, one.gaps
            )?;
        }
        writeln!(f, "reconciled {}", self.reconciled)?;
        let (size, root) = self.checkpoint;
        writeln!(f, "checkpoint {size} {}", STANDARD.encode(root))
    }
}

#[cfg(test)]
mod tests {
    //! There and back, and nothing else.

    use super::*;
    use crate::log::checkpoint::Checkpoint;

    pub(crate) fn statement() -> Statement {
        Statement {
            origin: "example.test/log".to_owned(),
            day: "2026-11-29".to_owned(),
            account: Account {
                accepted: 7,
                audited: 3,
                refused: 1,
                repeats: 1,
                erased: 0,
                in_flight: 2,
                missing: 0,
            },
            entries: (4, 40),
            ranges: vec![Range {
                topic: "idtrail.raw".to_owned(),
                partition: 2,
                first: 0,
                last: 6,
                records: 7,
                gaps: 0,
            }],
            reconciled: 41,
            checkpoint: (44, [3; 32]),
        }
    }

    #[test]
    fn a_statement_is_read_as_it_was_written_and_is_no_checkpoint() {
        let text = statement().to_string();
        assert_eq!(Statement::parse(&text), Some(statement()));
        assert_eq!(Checkpoint::parse(&text), None);
        for (from, to) in [
            ("v1", "v2"),
            ("day 2026-11-29", "day 2026-11-31"),
            ("accepted 7", "accepted 07"),
            ("accepted 7", "accepted -7"),
            ("missing 0\n", ""),
            ("range", "ranges"),
            (" 7 0\n", " 7\n"),
            ("checkpoint 44", "checkpoint 4 4"),
            ("reconciled", "\nreconciled"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            assert_eq!(Statement::parse(&changed), None, "{from} as {to}");
        }
    }

    #[test]
    fn a_statement_is_accepted_from_its_own_log_only() {
        let key = |name: &str| SigningKey::new(name, Kind::Log, &[7; 32]).unwrap();
        let (own, other) = (key("example.test/log"), key("example.test/other"));
        let note = statement().sign(&own).unwrap().to_string();
        assert_eq!(note, statement().sign(&own).unwrap().to_string());
        let logs = [own.verifier().clone()];
        assert_eq!(Statement::open(note.as_bytes(), &logs), Ok(statement()));
        let changed = note.replacen("audited 3", "audited 4", 1);
        let refused = Statement::open(changed.as_bytes(), &logs);
        assert_eq!(refused, Err(StatementError::Note(NoteError::Signature)));
        assert!(statement().sign(&other).is_none());
    }

    #[test]
    fn an_account_adds_up_or_does_not() {
        let mut account = statement().account;
        assert!(account.adds_up());
        account.missing = 1;
        assert!(!account.adds_up());
        account.missing = u64::MAX;
        assert!(!account.adds_up());
    }
}
