//! Which of the provider's texts may leave this crate, and as what.

use schemas::Refusal;

use crate::json::Value;

/// Stands for a name that is no plain symbol.
pub(crate) const UNPRINTABLE: &str = "unprintable";

/// The longest word of the provider's is 33 characters; beyond twice that it is text, not a code.
const SYMBOL_MAX: usize = 64;

/// Document Verification allows 255 characters, the other interfaces 100.
const OWN_REFERENCE_CHARS: usize = 255;

/// Four bytes a character, rounded up: what a key of a record has to bear.
const OWN_REFERENCE_BYTES: usize = 1024;

/// A text that says something: absent, empty and `N/A` are one and the same.
pub(crate) fn given(text: &str) -> Option<&str> {
    let bare = text.trim();
    (!bare.is_empty() && bare != "N/A").then_some(text)
}

/// A code or type of the provider's, if it is a plain symbol.
pub(crate) fn symbol(text: &str) -> Option<String> {
    is_symbol(text).then(|| text.to_owned())
}

/// The name of a field, which a stranger may have chosen.
pub(crate) fn name(text: &str) -> &str {
    if is_symbol(text) { text } else { UNPRINTABLE }
}

/// An issuing country: three capital letters.
pub(crate) fn country(text: &str) -> Option<String> {
    (text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())).then(|| text.to_owned())
}

/// A reference that we gave the provider and that is echoed, carried as it is.
pub(crate) fn own_reference(text: &str) -> Option<String> {
    let fits = text.len() <= OWN_REFERENCE_BYTES
        && text.chars().count() <= OWN_REFERENCE_CHARS
        && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

/// The provider's own reference, without which a callback is about nothing.
pub(crate) fn provider_reference(text: Option<&str>) -> Result<String, Refusal> {
    let text = text.and_then(given).ok_or(Refusal::NoProviderReference)?;
    symbol(text).ok_or(Refusal::BadProviderReference)
}

/// The same where it stands in JSON.
pub(crate) fn provider_reference_in(value: Option<&Value<'_>>) -> Result<String, Refusal> {
    match value {
        None | Some(Value::Null) => Err(Refusal::NoProviderReference),
        Some(Value::Text(text)) => provider_reference(Some(text)),
        Some(_) => Err(Refusal::BadProviderReference),
    }
}

fn is_symbol(text: &str) -> bool {
    (1..=SYMBOL_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_text_is_no_symbol() {
        assert_eq!(
            symbol("NO_FACE_PRESENT"),
            Some("NO_FACE_PRESENT".to_owned())
        );
        let long = "A".repeat(65);
        for text in ["", "Jane Doe", "Ä", "a/b", "a\n", long.as_str()] {
            assert_eq!(symbol(text), None, "{text}");
            assert_eq!(name(text), UNPRINTABLE, "{text}");
        }
    }

    #[test]
    fn a_country_is_three_capital_letters() {
        assert_eq!(country("XKX"), Some("XKX".to_owned()));
        for text in ["", "AT", "aut", "AUTS", "Ä1"] {
            assert_eq!(country(text), None, "{text}");
        }
    }

    #[test]
    fn absent_empty_and_not_available_are_one() {
        for text in ["", " ", "N/A", " N/A "] {
            assert_eq!(given(text), None, "{text}");
        }
        assert_eq!(given("n/a"), Some("n/a"));
    }

    #[test]
    fn our_references_are_carried_as_given_within_bounds() {
        for text in ["001-ä:7/8", " spaced "] {
            assert_eq!(own_reference(text), Some(text.to_owned()));
        }
        assert!(own_reference(&"ä".repeat(255)).is_some());
        for text in [
            "a\nb",
            "a\u{0}",
            "\u{85}",
            &"a".repeat(256),
            &"𝄞".repeat(257),
        ] {
            assert_eq!(own_reference(text), None);
        }
    }
}
