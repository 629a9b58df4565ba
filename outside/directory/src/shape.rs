//! Which ids, numbers, e-mail addresses and locales are taken at all.

/// An id stands in topics, links and log lines; 64 holds the ids of every CRM looked at (Salesforce: 18, a UUID: 36).
const ID_MAX: usize = 64;

/// RFC 5321 §4.5.3.1: a mail server need not take more.
const EMAIL_MAX: usize = 254;
const EMAIL_LOCAL_MAX: usize = 64;

/// RFC 5646 §4.4.1: what a reader of language tags must at least have room for.
const LOCALE_MAX: usize = 35;

/// Whether a character may stand in an id or a number.
pub(crate) fn is_id_char(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')
}

/// Whether this is an id or a number: `[A-Za-z0-9._-]{1,64}`, and not only dots, which in a link would be a folder.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=ID_MAX).contains(&text.len())
        && text.chars().all(is_id_char)
        && text.chars().any(|character| character != '.')
}

/// Whether this is a plain e-mail address: dot-atom at a host name with a dot, in ASCII, without comments or quotes.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.split_once('@') else {
        return false;
    };
    let local_char =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let label_char = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    text.len() <= EMAIL_MAX
        && local.len() <= EMAIL_LOCAL_MAX
        && local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.bytes().all(local_char))
        && host.contains('.')
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(label_char)
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// Whether this looks like a language tag such as `de` or `pt-BR`.
pub(crate) fn is_locale(text: &str) -> bool {
    let mut subtags = text.split('-');
    let language = subtags.next().unwrap_or_default();
    text.len() <= LOCALE_MAX
        && (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && subtags.all(|tag| {
            (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_and_plain() {
        for right in ["A-1001", "001Ax000001abcDEF", "a", "0.1_x", &"a".repeat(64)] {
            assert!(is_id(right), "{right}");
        }
        for wrong in [
            "",
            " A-1001",
            "A-1001 ",
            "A/1",
            "A:1",
            ".",
            "..",
            "Ä-1",
            "a\0",
            "a\n",
            &"a".repeat(65),
        ] {
            assert!(!is_id(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn an_email_address_is_plain() {
        for right in [
            "a@example.test",
            "first.last+x@mail.example.test",
            "o'neil@x-y.example",
        ] {
            assert!(is_email(right), "{right}");
        }
        let long = format!("{}@example.test", "a".repeat(65));
        for wrong in [
            "",
            "a",
            "@example.test",
            "a@",
            "a@b@example.test",
            "a@localhost",
            "a@example..test",
            "a.@example.test",
            "a@-x.test",
            "a b@example.test",
            "\"a\"@example.test",
            "Max <a@example.test>",
            "a@example.test,b@example.test",
            "a@example.test\r\n",
            "ä@example.test",
            &long,
        ] {
            assert!(!is_email(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_locale_is_a_language_tag() {
        assert!(
            ["de", "de-AT", "zh-Hant-TW"]
                .iter()
                .all(|tag| is_locale(tag))
        );
        assert!(
            !["", "d", "german", "de_AT", "de-", "de-ä"]
                .iter()
                .any(|tag| is_locale(tag))
        );
    }
}
