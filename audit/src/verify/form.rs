//! The form of our leaves, read strictly: whatever is not exactly how we write it is a fault.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::finding::{Fault, Finding};
use crate::leaf::Kind;

const KINDS: [Kind; 6] = [
    Kind::Event,
    Kind::Batch,
    Kind::Erase,
    Kind::Hold,
    Kind::Access,
    Kind::Key,
];
/// Characters of a SHA-256 in base64, and of a time.
const COMMITMENT: usize = 44;
const TIME: usize = 24;
const DAY: i64 = 86_400_000;

/// What a leaf says, as far as it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaf<'a> {
    /// Its commitment.
    pub(super) commit: [u8; 32],
    /// Its topic as JSON text, with partition and offset.
    pub(super) source: (&'a str, i32, i64),
    /// Its time, in milliseconds.
    pub(super) at: i64,
}

/// Reads a leaf.
pub(super) fn read(leaf: &[u8]) -> Result<Leaf<'_>, Fault> {
    let text = std::str::from_utf8(leaf).map_err(|_| Fault::Form)?;
    let rest = text.strip_prefix(r#"{"c":""#).ok_or(Fault::Form)?;
    let (commit, rest) = rest.split_at_checked(COMMITMENT).ok_or(Fault::Form)?;
    let commit = STANDARD.decode(commit).map_err(|_| Fault::Commitment)?;
    let commit = commit.try_into().map_err(|_| Fault::Commitment)?;
    let rest = rest.strip_prefix(r#"","k":""#).ok_or(Fault::Form)?;
    let (kind, rest) = rest.split_once(r#"","o":["#).ok_or(Fault::Form)?;
    if !KINDS.iter().any(|known| known.word() == kind) {
        return Err(Fault::Kind);
    }
    let (source, rest) = rest.rsplit_once(r#"],"t":""#).ok_or(Fault::Form)?;
    let source = source_of(source).ok_or(Fault::Source)?;
    let (time, rest) = rest.split_at_checked(TIME).ok_or(Fault::Form)?;
    let at = millis(time).ok_or(Fault::Time)?;
    match rest.strip_prefix(r#"","v":"#).ok_or(Fault::Form)? {
        "1}" => Ok(Leaf { commit, source, at }),
        other if other.strip_suffix('}').is_some_and(is_number) => Err(Fault::Version),
        _ => Err(Fault::Form),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())
}

fn source_of(text: &str) -> Option<(&str, i32, i64)> {
    let mut parts = text.rsplitn(3, ',');
    let (offset, partition, topic) = (parts.next()?, parts.next()?, parts.next()?);
    Some((
        topic_of(topic)?,
        whole(partition)?.try_into().ok()?,
        whole(offset)?,
    ))
}

fn topic_of(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if inner.bytes().all(plain) {
        return Some(text);
    }
    let value: String = serde_json::from_str(text).ok()?;
    (serde_json::to_string(&value).ok()? == text).then_some(text)
}

/// A number from zero on, without leading zeros.
fn whole(text: &str) -> Option<i64> {
    let plain = is_number(text) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

/// Milliseconds since 1970 of a time that is written as leaves have it.
fn millis(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let marked = marks.iter().all(|(at, mark)| bytes[*at] == *mark);
    if !marked || bytes[19] != b'.' || bytes[23] != b'Z' {
        return None;
    }
    let number = |from: usize, below: usize| -> Option<i64> {
        bytes[from..below].iter().try_fold(0, |number, digit| {
            let digit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'))?;
            Some(number * 10 + digit)
        })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = (hour * 60 + minute) * 60 + second;
    Some(days(year, month, day) * DAY + seconds * 1_000 + number(20, 23)?)
}

/// Days since 1970. The year begins in March, so that the day that some years lack is its last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let before = (153 * month + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + before - 719_468
}

/// What has to hold from one leaf to the next.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    at: Option<i64>,
    /// The newest offset of each partition, by topic.
    offsets: HashMap<String, HashMap<i32, i64>>,
}

impl Sequence {
    /// Takes the next leaf, and says what does not hold.
    pub(super) fn next(&mut self, index: u64, leaf: &Leaf<'_>) -> Option<Finding> {
        let (topic, partition, offset) = leaf.source;
        if !self.offsets.contains_key(topic) {
            self.offsets.insert(topic.to_owned(), HashMap::new());
        }
        let partitions = self.offsets.get_mut(topic)?;
        let passed = partitions
            .insert(partition, offset)
            .is_some_and(|last| last >= offset);
        let back = self.at.is_some_and(|before| before > leaf.at);
        self.at = Some(leaf.at);
        if passed {
            return Some(Finding::Source { index });
        }
        back.then_some(Finding::Order { index })
    }
}

#[cfg(test)]
mod tests {
    //! The form of leaves, against those that we write.

    use super::*;
    use crate::leaf;

    #[test]
    fn a_leaf_is_read_as_it_was_written_and_nothing_else_is() {
        let at = 1_795_724_716_123;
        let written = leaf::of(
            Kind::Event,
            &[7; 32],
            ("idv.checks", 3, 41_872),
            &leaf::time_text(at),
        );
        let read_back = read(&written).unwrap();
        assert_eq!(read_back.source, ("\"idv.checks\"", 3, 41_872));
        assert_eq!((read_back.at, read_back.commit), (at, [7; 32]));
        let text = String::from_utf8(written).unwrap();
        for (from, to, fault) in [
            ("{", "{ ", Fault::Form),
            ("=\"", "B\"", Fault::Commitment),
            ("event", "evert", Fault::Kind),
            ("41872", "041872", Fault::Source),
            ("41872", "-1", Fault::Source),
            ("idv.checks", "idv\\u002echecks", Fault::Source),
            (".123Z", ".123z", Fault::Time),
            ("\"t\":\"2026-11", "\"t\":\"2026-13", Fault::Time),
            (":1}", ":2}", Fault::Version),
            (":1}", ":1} ", Fault::Form),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from} stands nowhere in it");
            assert_eq!(read(changed.as_bytes()), Err(fault), "{from} as {to}");
        }
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for at in [0, 951_782_400_000, 1_709_164_799_999, 4_102_444_799_001] {
            assert_eq!(millis(&leaf::time_text(at)), Some(at));
        }
        for bad in ["2026-02-29T00:00:00.000Z", "2026-11-21T24:00:00.000Z"] {
            assert_eq!(millis(bad), None, "{bad}");
        }
    }
}
