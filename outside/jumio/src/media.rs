//! In which of the two written forms a body comes.

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Media {
    /// `application/x-www-form-urlencoded`: the Netverify generations.
    Form,
    /// `application/json`: KYX.
    Json,
}

impl Media {
    /// Reads a `Content-Type`.
    ///
    /// The only parameter let pass is a `charset` of UTF-8: under any other one the bytes would say
    /// something else than what is read.
    pub fn of_content_type(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next()?;
        let media = if essence.eq_ignore_ascii_case(FORM) {
            Self::Form
        } else if essence.eq_ignore_ascii_case(JSON) {
            Self::Json
        } else {
            return None;
        };
        parts
            .all(|part| part.is_empty() || is_utf8_charset(part))
            .then_some(media)
    }

    /// What a body without content type is: JSON if its first sign is `{` or `[`.
    pub fn guess(body: &[u8]) -> Self {
        match body.iter().find(|byte| !is_white(**byte)) {
            Some(b'{' | b'[') => Self::Json,
            _ => Self::Form,
        }
    }

    /// The word for it, as in raw headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Json => "json",
        }
    }

    /// Reads the word of [`Media::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "form" => Some(Self::Form),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

impl std::fmt::Display for Media {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// White space as far as "empty" and "first sign" go; the vertical tab too.
pub(crate) fn is_white(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0B
}

fn is_utf8_charset(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        let bare = value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(value);
        name.eq_ignore_ascii_case("charset") && bare.eq_ignore_ascii_case("utf-8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_media_types_in_utf_8_are_read() {
        for text in [
            "application/json",
            "Application/JSON",
            "application/json;charset=UTF-8",
            "application/json ; Charset=\"utf-8\"",
            "application/json;",
        ] {
            assert_eq!(Media::of_content_type(text), Some(Media::Json), "{text}");
        }
        assert_eq!(
            Media::of_content_type("application/x-www-form-urlencoded; charset=utf-8"),
            Some(Media::Form)
        );
        for text in [
            "",
            "text/json",
            "application/json; charset=iso-8859-1",
            "application/json; charset",
            "application/json; charset=\"utf-8",
            "application/json; version=2",
            "application/jsonx",
            "multipart/form-data",
        ] {
            assert_eq!(Media::of_content_type(text), None, "{text}");
        }
    }

    #[test]
    fn the_first_sign_tells_json_from_form() {
        assert_eq!(Media::guess(b" \r\n\x0b{"), Media::Json);
        assert_eq!(Media::guess(b"["), Media::Json);
        assert_eq!(Media::guess(b"a={"), Media::Form);
        assert_eq!(Media::guess(b""), Media::Form);
    }

    #[test]
    fn words_come_back_as_what_they_stand_for() {
        for media in [Media::Form, Media::Json] {
            assert_eq!(Media::from_word(media.as_str()), Some(media));
        }
        assert_eq!(Media::from_word("xml"), None);
    }
}
