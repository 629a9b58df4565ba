//! Secret path segments: up to two at once, so that one can follow the other without a lost callback.

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use schemas::Timestamp;

/// Secrets that are accepted at the same time: the one in use and the one before or after it.
pub const MAX_LIVE: usize = 2;
/// Fewest bytes: 128 bits in hex, which cannot be guessed over HTTP.
pub const MIN_BYTES: usize = 32;
/// Values that stand in examples everywhere; also when they are repeated to be long enough.
const KNOWN: [&str; 12] = [
    "mysecret",
    "secret",
    "changeme",
    "change-me",
    "change_me",
    "password",
    "default",
    "example",
    "test",
    "token",
    "callback",
    "your-secret-here",
];

/// Why a value is no secret. Never tells the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSecret {
    /// Too short.
    #[error("a secret path segment needs at least 32 characters")]
    Short,
    /// A known default.
    #[error("a well-known value is no secret; make one with `openssl rand -hex 32`")]
    Known,
    /// Not fit for a path.
    #[error("a secret path segment is made of letters, digits, `-`, `.`, `_` and `~`")]
    Letters,
    /// The same as another.
    #[error("two secrets are equal; each needs a value of its own")]
    Equal,
    /// More than may live at once.
    #[error("two secrets at most: the one in use and the one before or after it")]
    Many,
}

/// A secret and when it ends.
struct Live {
    digest: [u8; 32],
    until: Option<Timestamp>,
}

/// The secrets that open the door. Kept as digests, so that comparing takes the same time whatever was guessed.
#[derive(Default)]
pub struct Secrets(Vec<Live>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    /// Judges and takes the values; the error comes with the place of the value that it is about.
    pub fn new<'a>(
        values: impl IntoIterator<Item = (&'a str, Option<Timestamp>)>,
    ) -> Result<Self, (usize, NoSecret)> {
        let mut all: Vec<Live> = Vec::new();
        for (place, (value, until)) in values.into_iter().enumerate() {
            judge(value).map_err(|why| (place, why))?;
            let digest = sha256(value);
            if all.iter().any(|live| live.digest == digest) {
                return Err((place, NoSecret::Equal));
            }
            if all.len() >= MAX_LIVE {
                return Err((place, NoSecret::Many));
            }
            all.push(Live { digest, until });
        }
        Ok(Self(all))
    }

    /// Whether a path segment, or the want of one, opens the door now. Where every secret has ended nothing does: the
    /// bare path never opens again by itself.
    pub fn opens(&self, segment: Option<&str>, now: Timestamp) -> bool {
        let Some(segment) = segment else {
            return self.0.is_empty();
        };
        let given = sha256(segment);
        // Each is compared, so that time tells neither which nor how many there are.
        self.0.iter().fold(false, |open, live| {
            let same = verify_slices_are_equal(&live.digest, &given).is_ok();
            open | (same & live.until.is_none_or(|until| now < until))
        })
    }
}

fn judge(value: &str) -> Result<(), NoSecret> {
    let lower = value.to_ascii_lowercase();
    // What is left of a value once a known one is taken out of it: hardly anything where it was only repeated.
    let left = |known: &str| lower.replace(known, "").len();
    if KNOWN
        .iter()
        .any(|known| !lower.is_empty() && left(known) * 4 <= lower.len())
    {
        return Err(NoSecret::Known);
    }
    if value.len() < MIN_BYTES {
        return Err(NoSecret::Short);
    }
    let mut letters = lower.bytes();
    let first = letters.next();
    if letters.all(|letter| Some(letter) == first) {
        return Err(NoSecret::Known);
    }
    let fits = |letter: u8| letter.is_ascii_alphanumeric() || b"-._~".contains(&letter);
    if value.bytes().all(fits) {
        Ok(())
    } else {
        Err(NoSecret::Letters)
    }
}

fn sha256(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "0d1f4a7e5b9c2836e1a4f70b6d5c9382";
    const NEW: &str = "b8e2071c4f6a9d35c7180e2b4f9a6d53";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    #[test]
    fn both_open_until_the_older_one_ends() {
        let secrets = Secrets::new([(OLD, Some(at(10))), (NEW, None)]).unwrap();
        for (segment, second, opens) in [
            (Some(OLD), 9, true),
            (Some(OLD), 10, false),
            (Some(NEW), 9, true),
            (Some(NEW), 11, true),
            (Some("0d1f4a7e5b9c2836e1a4f70b6d5c9383"), 9, false),
            (Some(""), 9, false),
            (None, 9, false),
        ] {
            assert_eq!(
                secrets.opens(segment, at(second)),
                opens,
                "{segment:?} {second}"
            );
        }
    }

    #[test]
    fn without_secrets_the_bare_path_is_open_and_with_ended_ones_nothing_is() {
        let none = Secrets::default();
        assert!(none.opens(None, at(0)) && !none.opens(Some(OLD), at(0)));
        let ended = Secrets::new([(OLD, Some(at(1)))]).unwrap();
        assert!(!ended.opens(None, at(2)) && !ended.opens(Some(OLD), at(2)));
    }

    #[test]
    fn what_is_no_secret_is_refused_by_its_place() {
        let third = "c7180e2b4f9a6d53b8e2071c4f6a9d35";
        for (values, place, why) in [
            (vec!["mySecret"], 0, NoSecret::Known),
            (vec!["changemechangemechangemechangeme"], 0, NoSecret::Known),
            (
                vec!["CHANGEME-CHANGEME-CHANGEME-CHANGEME"],
                0,
                NoSecret::Known,
            ),
            (
                vec![OLD, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
                1,
                NoSecret::Known,
            ),
            (vec![""], 0, NoSecret::Short),
            (vec![&OLD[1..]], 0, NoSecret::Short),
            (
                vec!["0d1f4a7e5b9c2836/1a4f70b6d5c9382"],
                0,
                NoSecret::Letters,
            ),
            (vec![OLD, OLD], 1, NoSecret::Equal),
            (vec![OLD, NEW, third], 2, NoSecret::Many),
        ] {
            let refused = Secrets::new(values.iter().map(|value| (*value, None)));
            assert_eq!(refused.unwrap_err(), (place, why));
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        let secrets = Secrets::new([(OLD, None)]).unwrap();
        assert_eq!(format!("{secrets:?}"), "Secrets(1)");
        for why in [
            NoSecret::Short,
            NoSecret::Known,
            NoSecret::Letters,
            NoSecret::Equal,
            NoSecret::Many,
        ] {
            assert!(!why.to_string().contains(OLD));
        }
    }
}
