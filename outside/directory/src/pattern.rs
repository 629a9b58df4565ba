//! What a reference means: literal text with places for an account and a contact.

use crate::shape;

/// Providers echo at most 100 characters; a pattern longer than this could match nothing that they send.
const PATTERN_MAX: usize = 200;

/// What stands at a place of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placeholder {
    /// `{account}`: the account's number.
    AccountNumber,
    /// `{account_id}`: the account's id.
    AccountId,
    /// `{contact}`: the contact's id.
    Contact,
}

/// A pattern that reads a text in one way or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    before: String,
    /// Each place with the literal text after it; all but the last text hold a character that no value can.
    places: Vec<(Placeholder, String)>,
}

/// Which of the two patterns is wrong, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pattern of `{field}`: {fault}")]
pub struct PatternError {
    /// `customer_reference` or `transaction_reference`.
    pub field: &'static str,
    /// What is wrong with it.
    pub fault: PatternFault,
}

/// What is wrong with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternFault {
    /// A placeholder that does not exist, or a brace without its other half.
    #[error("the placeholders are {{account}}, {{account_id}} and {{contact}}; no other braces")]
    Placeholder,
    /// Text without any placeholder; the pattern that means nothing is the empty one.
    #[error("it names nothing; leave it empty where the reference means nothing")]
    NamesNothing,
    /// The account or the contact stands in it twice.
    #[error("an account and a contact stand in it at most once each")]
    Twice,
    /// Two values could run into each other.
    #[error(
        "two placeholders need text between them with a character that no value has (values are letters, digits, `.`, `_`, `-`; `:` serves)"
    )]
    NotSeparated,
    /// Too long, or with control characters.
    #[error("it has at most 200 characters, and no control characters")]
    Text,
    /// Both patterns are empty, so that no client could ever be found.
    #[error("both patterns are empty, so that no client could be found")]
    BothEmpty,
}

impl Pattern {
    /// Reads a pattern; the empty one is none.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, PatternFault> {
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() > PATTERN_MAX || text.chars().any(char::is_control) {
            return Err(PatternFault::Text);
        }
        let mut pieces = text.split('{');
        let before = pieces.next().unwrap_or_default();
        if before.contains('}') {
            return Err(PatternFault::Placeholder);
        }
        let places = pieces.map(place).collect::<Result<Vec<_>, _>>()?;
        let contacts = places
            .iter()
            .filter(|(what, _)| *what == Placeholder::Contact)
            .count();
        if places.is_empty() {
            return Err(PatternFault::NamesNothing);
        }
        if contacts > 1 || places.len() - contacts > 1 {
            return Err(PatternFault::Twice);
        }
        let apart = |(_, literal): &(_, String)| !literal.chars().all(shape::is_id_char);
        if !places[..places.len() - 1].iter().all(apart) {
            return Err(PatternFault::NotSeparated);
        }
        Ok(Some(Self {
            before: before.to_owned(),
            places,
        }))
    }

    /// The values in a text, or nothing if it does not fit exactly.
    pub(crate) fn read<'t>(&self, text: &'t str) -> Option<Vec<(Placeholder, &'t str)>> {
        let mut rest = text.strip_prefix(self.before.as_str())?;
        let (last, others) = self.places.split_last()?;
        let mut values = Vec::with_capacity(self.places.len());
        for (what, literal) in others {
            // The first character that no value can hold is the literal's first such one: only one reading is possible.
            let foreign = rest.find(|character| !shape::is_id_char(character))?;
            let ahead = literal.find(|character| !shape::is_id_char(character))?;
            let (value, tail) = rest.split_at(foreign.checked_sub(ahead)?);
            rest = tail.strip_prefix(literal.as_str())?;
            values.push((*what, value));
        }
        values.push((last.0, rest.strip_suffix(last.1.as_str())?));
        values
            .iter()
            .all(|(_, value)| shape::is_id(value))
            .then_some(values)
    }
}

/// Reads `name}literal`.
fn place(piece: &str) -> Result<(Placeholder, String), PatternFault> {
    let (name, literal) = piece.split_once('}').ok_or(PatternFault::Placeholder)?;
    let what = match name {
        "account" => Placeholder::AccountNumber,
        "account_id" => Placeholder::AccountId,
        "contact" => Placeholder::Contact,
        _ => return Err(PatternFault::Placeholder),
    };
    if literal.contains('}') {
        return Err(PatternFault::Placeholder);
    }
    Ok((what, literal.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Placeholder::*, *};

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap().unwrap()
    }

    #[test]
    fn an_account_and_a_contact_are_read_apart() {
        assert_eq!(
            pattern("{account}:{contact}").read("A-1001:C-2001"),
            Some(vec![(AccountNumber, "A-1001"), (Contact, "C-2001")])
        );
        assert_eq!(
            pattern("{contact}").read("C-2001"),
            Some(vec![(Contact, "C-2001")])
        );
        assert_eq!(
            pattern("{account_id}").read("001A"),
            Some(vec![(AccountId, "001A")])
        );
    }

    #[test]
    fn literal_text_stands_around_the_values() {
        let pattern = pattern("kyc-{contact}-of:{account}-v1");
        assert_eq!(
            pattern.read("kyc-C-1-of:A-1-v1"),
            Some(vec![(Contact, "C-1"), (AccountNumber, "A-1")])
        );
        for wrong in [
            "KYC-C-1-of:A-1-v1",
            "kyc-C-1:A-1-v1",
            "kyc-C-1-of:A-1",
            "C-1-of:A-1-v1",
            "kyc--of:A-1-v1",
        ] {
            assert_eq!(pattern.read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_does_not_fit_exactly_is_not_read() {
        let pattern = pattern("{account}:{contact}");
        for wrong in [
            "",
            "A-1001",
            "A-1001:",
            ":C-2001",
            "A-1001:C-2001 ",
            " A-1001:C-2001",
            "A-1001::C-2001",
            "A-1001:C-2001:x",
            "A 1001:C-2001",
            "A-1001:Ç-2001",
            "A-1001\0:C-2001",
        ] {
            assert_eq!(pattern.read(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_pattern_that_could_be_read_in_two_ways_is_refused() {
        for (text, fault) in [
            ("{account}{contact}", PatternFault::NotSeparated),
            ("{account}-{contact}", PatternFault::NotSeparated),
            ("{account}:{account}", PatternFault::Twice),
            ("{account}:{account_id}", PatternFault::Twice),
            ("{name}", PatternFault::Placeholder),
            ("{account", PatternFault::Placeholder),
            ("account}", PatternFault::Placeholder),
            ("{account}}", PatternFault::Placeholder),
            ("{{account}", PatternFault::Placeholder),
            ("account", PatternFault::NamesNothing),
            (" ", PatternFault::NamesNothing),
            ("{account}\n", PatternFault::Text),
        ] {
            assert_eq!(Pattern::parse(text), Err(fault), "{text:?}");
        }
        assert_eq!(Pattern::parse(""), Ok(None));
    }

    proptest! {
        #[test]
        fn what_was_put_together_is_taken_apart_again(
            account in "[A-Za-z0-9_-]{1,64}",
            contact in "[A-Za-z0-9_-]{1,64}",
            apart in "[a-z.-]{0,3}[:/| é][a-z:.-]{0,3}",
            (before, after) in ("[a-zA-Z:. -]{0,4}", "[a-zA-Z:. -]{0,4}"),
        ) {
            let pattern = pattern(&format!("{before}{{account}}{apart}{{contact}}{after}"));
            let text = format!("{before}{account}{apart}{contact}{after}");
            let whole = Some(vec![(AccountNumber, account.as_str()), (Contact, contact.as_str())]);
            prop_assert_eq!(pattern.read(&text), whole);
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,20}|[a-z:é-]{0,12}") {
            if let Some(values) = pattern("{account}-:{contact}").read(&text) {
                prop_assert_eq!(format!("{}-:{}", values[0].1, values[1].1), text);
            }
        }
    }
}
