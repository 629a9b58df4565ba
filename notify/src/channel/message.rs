//! The e-mail that a notice becomes: one recipient, plain text, the same bytes at every try.

use std::time::{Duration, SystemTime};

use lettre::{
    Address, Message,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
};

use super::{Letter, SendError};
use crate::alert::Failing;

/// RFC 3834 §5: no holiday answer shall come back. The name of a header is never made from data.
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// What all messages of an installation share.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    pub(crate) from: Mailbox,
    pub(crate) domain: String,
}

impl Writer {
    /// The `Message-ID` of a letter.
    pub(crate) fn message_id(&self, letter: &Letter) -> String {
        format!("<{}@{}>", letter.id, self.domain)
    }

    /// The message.
    pub(crate) fn write(&self, letter: &Letter) -> Result<Message, SendError> {
        let broken = |failing, why: &str| SendError::Never {
            failing,
            why: why.to_owned(),
        };
        // The library would fold a line break into an encoded word. Here it means that a template let
        // foreign text through, and such a message must not leave at all.
        let text = &letter.text;
        let printable = |c: char| !c.is_control() || c == '\n';
        if text.subject.chars().any(char::is_control) || !text.body.chars().all(printable) {
            return Err(broken(Failing::Refused, "control characters in a notice"));
        }
        let to: Address = letter
            .to
            .expose()
            .parse()
            .map_err(|_| broken(Failing::BadAddress, "the address is none"))?;
        let micros = u64::try_from(letter.at.micros()).unwrap_or(0);
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(text.subject.clone())
            .date(SystemTime::UNIX_EPOCH + Duration::from_micros(micros))
            .message_id(Some(self.message_id(letter)))
            .raw_header(HeaderValue::new(
                AUTO_SUBMITTED,
                "auto-generated".to_owned(),
            ))
            .header(ContentType::TEXT_PLAIN)
            .body(text.body.clone())
            .map_err(|_| broken(Failing::BadAddress, "no message can be made of it"))
    }
}

#[cfg(test)]
mod tests {
    use schemas::{Id, Timestamp};

    use super::*;
    use crate::template::Text;

    fn letter(subject: &str, body: &str) -> Letter {
        Letter {
            id: Id::derive(&["a notice"]),
            to: directory::Address::new("onboarding@example.test", None).unwrap(),
            text: Text {
                subject: subject.to_owned(),
                body: body.to_owned(),
            },
            at: Timestamp::parse_rfc3339("2026-11-25T12:00:00Z").unwrap(),
        }
    }

    fn writer() -> Writer {
        Writer {
            from: "idtrail@mail.example.com".parse().unwrap(),
            domain: "mail.example.com".to_owned(),
        }
    }

    #[test]
    fn a_message_has_one_recipient_plain_text_and_an_id_that_follows_from_the_notice() {
        let letter = letter("Identity check: passed", "Result: passed.\n");
        let message = writer().write(&letter).unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        assert_eq!(message.envelope().to().len(), 1);
        for line in [
            "From: idtrail@mail.example.com\r\n",
            "To: onboarding@example.test\r\n",
            "Subject: Identity check: passed\r\n",
            "Date: Wed, 25 Nov 2026 12:00:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "\r\n\r\nResult: passed.\r\n",
        ] {
            assert!(text.contains(line), "{line:?} in {text}");
        }
        let id = format!("Message-ID: <{}@mail.example.com>\r\n", letter.id);
        assert!(text.contains(&id), "{text}");
        assert_eq!(
            writer().write(&letter).unwrap().formatted(),
            text.as_bytes()
        );
    }

    #[test]
    fn a_text_that_could_break_a_header_or_a_terminal_never_leaves() {
        for (subject, body) in [
            ("a\r\nBcc: eve@example.test", ""),
            ("a\u{7}", ""),
            ("a", "b\u{1b}[2J"),
            ("a", "b\r.\r"),
        ] {
            let refused = writer().write(&letter(subject, body));
            assert!(
                matches!(refused, Err(SendError::Never { .. })),
                "{subject:?} {body:?}"
            );
        }
    }
}
