//! What stands in a form body: names and values, decoded, in the order in which they came.

use std::borrow::Cow;

use schemas::Refusal;

use crate::{Refused, plain};

/// The longest documented body has 77 names; six times that is no callback.
const PAIRS_MAX: usize = 512;

/// The one name that may stand more than once with different values.
pub(crate) const REPEATABLE: &str = "livenessImages";

/// Written in two ways by the provider's own guides.
pub(crate) const CALLBACK_TYPE: &str = "callBackType";

/// A decoded form body. It holds personal data, so it can be neither printed nor serialised.
pub(crate) struct Form<'a> {
    pairs: Vec<Pair<'a>>,
}

struct Pair<'a> {
    name: Cow<'a, str>,
    value: Cow<'a, str>,
    /// Without `=`: perhaps the rest of a value whose `&` was not encoded, so never named to anybody.
    bare: bool,
}

impl<'a> Form<'a> {
    /// Decodes a body; a byte that is not UTF-8 anywhere in it makes the whole undecodable.
    ///
    /// White space around the body is not part of it: in an encoded form it can stand nowhere.
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, Refused> {
        Self::read_only(body, |_| true)
    }

    /// The same, but the values of names that are not `asked` for stay as they are written. It refuses what
    /// [`read`](Self::read) refuses.
    pub(crate) fn read_only(body: &'a [u8], asked: fn(&str) -> bool) -> Result<Self, Refused> {
        let body = body.trim_ascii();
        // Judged once for the whole: this is what the door does with every body.
        let text = std::str::from_utf8(body).map_err(|_| undecodable(body))?;
        // A callback with every documented field has 77.
        let mut pairs = Vec::with_capacity(80);
        let mut start = 0;
        let mut escape = next_escape(body, start);
        for end in memchr::memchr_iter(b'&', body).chain([body.len()]) {
            // Most pairs are written plainly; only those with an escape in them are decoded.
            let plain = escape.is_none_or(|at| at >= end);
            let pair = text.get(start..end).unwrap_or_default();
            start = end.saturating_add(1);
            if !plain {
                escape = next_escape(body, start);
            }
            if pair.is_empty() {
                continue;
            }
            if pairs.len() == PAIRS_MAX {
                return Err(Refused::new(Refusal::Undecodable));
            }
            pairs.push(Pair::read(pair, plain, asked)?);
        }
        Ok(Self { pairs })
    }

    /// The name that stands twice with different values, if there is one.
    pub(crate) fn conflict(&self) -> Option<&str> {
        let mut sorted: Vec<_> = self
            .pairs
            .iter()
            .filter(|pair| pair.name != REPEATABLE)
            .collect();
        sorted.sort_by(|one, other| one.name.cmp(&other.name));
        sorted.windows(2).find_map(|neighbours| match neighbours {
            [one, other] if one.name == other.name && one.value != other.value => {
                Some(one.name.as_ref())
            }
            _ => None,
        })
    }

    /// The first value of `name` that says something.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .filter(|pair| pair.name == name)
            .find_map(|pair| plain::given(&pair.value))
    }

    /// Whether `name` is there, whatever its value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|pair| pair.name == name)
    }

    /// The names as they may be told.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|pair| {
            if pair.bare {
                plain::UNPRINTABLE
            } else {
                pair.name.as_ref()
            }
        })
    }
}

impl<'a> Pair<'a> {
    fn read(pair: &'a str, plain: bool, asked: fn(&str) -> bool) -> Result<Self, Refused> {
        let equals = memchr::memchr(b'=', pair.as_bytes());
        let written = pair.get(..equals.unwrap_or(pair.len()));
        let value = equals.and_then(|at| pair.get(at.saturating_add(1)..));
        let (written, given) = (written.unwrap_or_default(), value.unwrap_or_default());
        let (name, decoded) = if plain {
            (one_spelling(Cow::Borrowed(written)), Cow::Borrowed(given))
        } else {
            let refused = || Refused::new(Refusal::Undecodable);
            let name = one_spelling(decode(written).ok_or_else(refused)?);
            let decoded = if asked(&name) {
                decode(given)
            } else {
                is_text(given).then_some(Cow::Borrowed(given))
            };
            let decoded = decoded.ok_or_else(|| refused().at(plain::name(&name)))?;
            (name, decoded)
        };
        Ok(Self {
            name,
            value: decoded,
            bare: value.is_none(),
        })
    }
}

/// Where the next `+` or `%` stands.
fn next_escape(body: &[u8], from: usize) -> Option<usize> {
    let found = memchr::memchr2(b'+', b'%', body.get(from..)?)?;
    from.checked_add(found)
}

/// The refusal of a body that is not UTF-8; it names the field of the first value that is not.
fn undecodable(body: &[u8]) -> Refused {
    let refused = Refused::new(Refusal::Undecodable);
    let sound = |bytes| std::str::from_utf8(bytes).ok();
    for pair in body.split(|byte| *byte == b'&') {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = halves.next().and_then(sound).and_then(decode);
        let Some(name) = name else { return refused };
        if sound(halves.next().unwrap_or_default()).is_none() {
            return refused.at(plain::name(&name));
        }
    }
    refused
}

/// `+` is a space; a `%` without two hex digits behind it stays as it is (WHATWG).
fn decode(written: &str) -> Option<Cow<'_, str>> {
    let Some(plain) = memchr::memchr2(b'+', b'%', written.as_bytes()) else {
        return Some(Cow::Borrowed(written));
    };
    let mut decoded = Vec::with_capacity(written.len());
    let (before, mut rest) = written.as_bytes().split_at_checked(plain)?;
    decoded.extend_from_slice(before);
    loop {
        rest = match rest {
            [] => break,
            [b'+', after @ ..] => {
                decoded.push(b' ');
                after
            }
            [b'%', high, low, after @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                decoded.push(hex(*high) << 4 | hex(*low));
                after
            }
            // What is plain is taken up to the next escape; a `%` that is none is plain too.
            [_, after @ ..] => {
                let plain = memchr::memchr2(b'+', b'%', after).unwrap_or(after.len());
                let (taken, after) = rest.split_at_checked(plain.saturating_add(1))?;
                decoded.extend_from_slice(taken);
                after
            }
        };
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

/// Whether it decodes to UTF-8. It is UTF-8 as it is written, so only an escape of a byte beyond ASCII can spoil it.
fn is_text(written: &str) -> bool {
    let bytes = written.as_bytes();
    let beyond = |at: usize| {
        let high = bytes.get(at.saturating_add(1));
        high.is_some_and(|digit| matches!(digit, b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F'))
    };
    !memchr::memchr_iter(b'%', bytes).any(beyond) || decode(written).is_some()
}

/// The value of a hex digit.
fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit & 0x0f,
        // The letters begin at 0x41 and 0x61.
        _ => (digit & 0x0f).wrapping_add(9),
    }
}

fn one_spelling(key: Cow<'_, str>) -> Cow<'_, str> {
    if key.eq_ignore_ascii_case(CALLBACK_TYPE) {
        Cow::Borrowed(CALLBACK_TYPE)
    } else {
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_come_as_plus_and_as_percent_twenty() {
        let form = Form::read(b"a=x+y%20z%2B&b=%C3%A9&=c&d\n").unwrap();
        assert_eq!(form.given("a"), Some("x y z+"));
        assert_eq!(form.given("b"), Some("é"));
        assert_eq!(form.given(""), Some("c"));
        assert!(form.has("d") && form.given("d").is_none());
    }

    #[test]
    fn the_rest_of_a_value_with_a_bare_ampersand_is_not_told() {
        let form = Form::read(b"idLastName=SMITH&JONES&d=").unwrap();
        let names: Vec<_> = form.names().collect();
        assert_eq!(names, ["idLastName", "unprintable", "d"]);
    }

    #[test]
    fn a_broken_percent_stays_as_it_is() {
        let form = Form::read(b"a=%zz&b=100%&c=%4").unwrap();
        assert_eq!(form.given("a"), Some("%zz"));
        assert_eq!(form.given("b"), Some("100%"));
        assert_eq!(form.given("c"), Some("%4"));
    }

    #[test]
    fn one_byte_that_is_not_utf_8_refuses_the_whole() {
        for (body, field) in [
            (b"x=1&idLastName=%E9".as_slice(), Some("idLastName")),
            (b"x=1&y=\xE9", Some("y")),
            (b"x=1&y=%ED%A0%80", Some("y")),
            (b"%E9=1", None),
        ] {
            for asked in [|_: &str| true, |_: &str| false] {
                let refused = Form::read_only(body, asked).err().unwrap();
                assert_eq!(refused.reason, Refusal::Undecodable);
                assert_eq!(refused.field.as_deref(), field);
            }
        }
    }

    #[test]
    fn only_what_is_asked_for_is_decoded() {
        let body = b"%61=1%2B&b=2%2B&b%C3%A9=%C3%A9+%zz%8";
        let form = Form::read_only(body, |name| name == "a").unwrap();
        assert_eq!(form.given("a"), Some("1+"));
        assert_eq!(form.given("b"), Some("2%2B"));
        assert_eq!(form.given("b\u{e9}"), Some("%C3%A9+%zz%8"));
    }

    #[test]
    fn a_name_twice_alike_counts_once_and_twice_unlike_is_a_conflict() {
        let conflict = |body: &[u8]| {
            let form = Form::read(body).unwrap();
            form.conflict().map(str::to_owned)
        };
        assert_eq!(conflict(b"a=1&b=2&a=1"), None);
        assert_eq!(conflict(b"a=1&b=2&a=3"), Some("a".to_owned()));
        assert_eq!(conflict(b"a=1&a="), Some("a".to_owned()));
        assert_eq!(conflict(b"livenessImages=1&livenessImages=2"), None);
        assert_eq!(
            conflict(b"callBackType=A&callbackType=B"),
            Some("callBackType".to_owned())
        );
    }

    #[test]
    fn more_names_than_any_callback_has_are_undecodable() {
        let body = |count: usize| {
            (0..count)
                .map(|n| format!("k{n}=v"))
                .collect::<Vec<_>>()
                .join("&")
        };
        assert!(Form::read(body(512).as_bytes()).is_ok());
        assert!(Form::read(body(513).as_bytes()).is_err());
    }
}
