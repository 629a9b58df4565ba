//! What a witness answers, and whether the cosignature in it is its own. Nothing of it is believed before that.

use stage::Retry;

use super::{Objection, submission::number};
use crate::log::{cosignature, key::VerifierKey, note::Signature};

/// Most lines of one answer: one for each algorithm of the witness, with room to spare.
const MAX_LINES: usize = 16;
/// The kind of an answer that says how much the witness has seen.
pub(super) const SIZE: &str = "text/x.tlog.size";
/// How far the clock of a witness may be from ours. Beyond it its time proves nothing to anybody.
const CLOCKS: u64 = 300;

/// An answer that has the right form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It says that it has cosigned; not verified yet.
    Cosigned(Vec<Signature>),
    /// It has seen a tree of another size.
    Seen(u64),
    /// The checkpoint does not continue what it has seen.
    Fork,
}

/// Why a witness has not cosigned.
#[derive(Debug, thiserror::Error)]
pub(super) enum Miss {
    /// Nobody answers, or not in time.
    #[error("it does not answer: {0}")]
    Unreachable(String),
    /// It does not know the log, or another key of it.
    #[error("it does not know this log or its key; have its operator add the key of `/log/vkey`")]
    Unknown,
    /// An answer that a witness does not give.
    #[error("it answers with status {0}")]
    Status(u16),
    /// An answer that has not the form of one.
    #[error("its answer is not understood")]
    Form,
    /// The cosignature is not its own, or not over this checkpoint.
    #[error("its cosignature does not verify with the key in the settings")]
    Cosignature,
    /// The cosignature bears another time.
    #[error("its clock and ours are {0} s apart")]
    Clock(u64),
    /// It names another size each time.
    #[error("it has seen another size each time it is asked")]
    Moving,
    /// It, or what it has seen, speaks against this history.
    #[error(transparent)]
    Objects(#[from] Objection),
    /// The history does not answer.
    #[error(transparent)]
    History(#[from] Retry),
}

impl Miss {
    /// One word, for counting.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Unknown => "unknown_log",
            Self::Status(_) => "status",
            Self::Form => "form",
            Self::Cosignature => "cosignature",
            Self::Clock(_) => "clock",
            Self::Moving => "moving",
            Self::Objects(_) => "objects",
            Self::History(_) => "history",
        }
    }
}

/// Reads an answer.
pub(super) fn read(status: u16, kind: Option<&str>, body: &[u8]) -> Result<Answer, Miss> {
    match status {
        200 => lines(body).map(Answer::Cosigned).ok_or(Miss::Form),
        // Witnesses answer 403 for an unknown log as well as for an unknown key of it.
        403 | 404 => Err(Miss::Unknown),
        409 => {
            let is_size = kind.is_some_and(|kind| kind.trim() == SIZE);
            let text = std::str::from_utf8(body)
                .ok()
                .filter(|_| is_size)
                .ok_or(Miss::Form)?;
            let digits = text.strip_suffix('\n').ok_or(Miss::Form)?;
            number(digits).map(Answer::Seen).ok_or(Miss::Form)
        }
        422 => Ok(Answer::Fork),
        other => Err(Miss::Status(other)),
    }
}

fn lines(body: &[u8]) -> Option<Vec<Signature>> {
    let text = std::str::from_utf8(body).ok()?.strip_suffix('\n')?;
    let lines: Vec<&str> = text.split('\n').take(MAX_LINES + 1).collect();
    (lines.len() <= MAX_LINES).then(|| lines.into_iter().map(Signature::parse).collect())?
}

/// The line of this witness over this checkpoint, with its time in seconds. Lines of keys that are not in the settings
/// are passed over; one that bears the name and id of this key and is not its own spoils the answer.
pub(super) fn own<'a>(
    lines: &'a [Signature],
    key: &VerifierKey,
    (text, now): (&str, u64),
) -> Result<(u64, &'a Signature), Miss> {
    let mut own = None;
    for line in lines.iter().filter(|line| line.names(key)) {
        let time = cosignature::time_of(line, key, text).ok_or(Miss::Cosignature)?;
        own = Some((time, line));
    }
    let (time, line) = own.ok_or(Miss::Cosignature)?;
    let apart = time.abs_diff(now);
    if apart > CLOCKS {
        return Err(Miss::Clock(apart));
    }
    Ok((time, line))
}

#[cfg(test)]
mod tests {
    //! What is believed of an answer.

    use super::*;
    use crate::log::key::{Kind, SigningKey};

    const TEXT: &str = "example.test/log\n9\nx\n";
    const NOW: u64 = 1_790_000_000;

    fn key(seed: u8) -> SigningKey {
        SigningKey::new("witness.test", Kind::Witness, &[seed; 32]).unwrap()
    }

    fn signed(seed: u8, time: u64, text: &str) -> Signature {
        cosignature::sign(&key(seed), time, text).unwrap()
    }

    #[test]
    fn a_status_means_what_the_specification_says() {
        let line = format!("{}\n", signed(1, NOW, TEXT));
        assert!(matches!(
            read(200, None, line.as_bytes()),
            Ok(Answer::Cosigned(lines)) if lines.len() == 1
        ));
        assert!(matches!(
            read(409, Some(SIZE), b"257\n"),
            Ok(Answer::Seen(257))
        ));
        assert!(matches!(read(422, None, b""), Ok(Answer::Fork)));
        for status in [403, 404] {
            assert!(matches!(read(status, None, b""), Err(Miss::Unknown)));
        }
        for status in [201, 204, 302, 400, 429, 500, 503] {
            assert!(
                matches!(read(status, None, line.as_bytes()), Err(Miss::Status(said)) if said == status)
            );
        }
        let many = line.repeat(MAX_LINES + 1);
        for body in ["", "\n", line.trim_end(), "nonsense\n", many.as_str()] {
            assert!(
                matches!(read(200, None, body.as_bytes()), Err(Miss::Form)),
                "{body}"
            );
        }
        for (kind, body) in [
            (None, "257\n"),
            (Some("text/plain"), "257\n"),
            (Some(SIZE), "257"),
            (Some(SIZE), "0257\n"),
            (Some(SIZE), "-1\n"),
        ] {
            assert!(matches!(read(409, kind, body.as_bytes()), Err(Miss::Form)));
        }
    }

    #[test]
    fn only_the_witness_of_the_settings_cosigns_this_checkpoint_and_now() {
        let verifier = key(1).verifier().clone();
        let good = signed(1, NOW, TEXT);
        let other = signed(2, NOW, TEXT);
        let lines = [other.clone(), good.clone()];
        let (time, line) = own(&lines, &verifier, (TEXT, NOW + 300)).unwrap();
        assert_eq!((time, line), (NOW, &good));
        let judged = |lines: &[Signature], now| own(lines, &verifier, (TEXT, now)).map(|_| ());
        assert!(matches!(judged(&[], NOW), Err(Miss::Cosignature)));
        assert!(matches!(judged(&[other], NOW), Err(Miss::Cosignature)));
        let elsewhere = signed(1, NOW, "another text\n");
        for spoilt in [vec![elsewhere.clone()], vec![good.clone(), elsewhere]] {
            assert!(matches!(judged(&spoilt, NOW), Err(Miss::Cosignature)));
        }
        for now in [NOW - 301, NOW + 301] {
            let refused = judged(std::slice::from_ref(&good), now);
            assert!(matches!(refused, Err(Miss::Clock(301))), "{refused:?}");
        }
    }
}
