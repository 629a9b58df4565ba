//! What the door answers: a status, perhaps `Allow` or `Retry-After`, never a body.

use std::time::Duration;

use schemas::Timestamp;

/// What became of a request: the closed set of labels that it is counted under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Outcome {
    /// Durable.
    Accepted,
    /// Empty, undecodable, or without a reference.
    BadBody,
    /// Framed in more than one way.
    BadFraming,
    /// Another version of HTTP.
    BadVersion,
    /// An expectation that is not met.
    BadExpectation,
    /// Not on the list.
    BadSource,
    /// Another path.
    NotFound,
    /// Another method.
    BadMethod,
    /// Too slow.
    TooSlow,
    /// The body is too large.
    TooLarge,
    /// The target is too long.
    UrlTooLong,
    /// Another media type, or an encoded body.
    BadContentType,
    /// The head is too large.
    HeadersTooLarge,
    /// Beyond the rate.
    RateLimited,
    /// Not durable in time.
    Unavailable,
    /// More is in hand than the door may hold.
    Shed,
    /// Closed by an operator.
    Closed,
}

impl Outcome {
    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Self; 17] = [
        Self::Accepted,
        Self::BadBody,
        Self::BadFraming,
        Self::BadVersion,
        Self::BadExpectation,
        Self::BadSource,
        Self::NotFound,
        Self::BadMethod,
        Self::TooSlow,
        Self::TooLarge,
        Self::UrlTooLong,
        Self::BadContentType,
        Self::HeadersTooLarge,
        Self::RateLimited,
        Self::Unavailable,
        Self::Shed,
        Self::Closed,
    ];

    /// The label.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::BadBody => "bad_body",
            Self::BadFraming => "bad_framing",
            Self::BadVersion => "bad_version",
            Self::BadExpectation => "bad_expectation",
            Self::BadSource => "bad_source",
            Self::NotFound => "not_found",
            Self::BadMethod => "bad_method",
            Self::TooSlow => "too_slow",
            Self::TooLarge => "too_large",
            Self::UrlTooLong => "url_too_long",
            Self::BadContentType => "bad_content_type",
            Self::HeadersTooLarge => "headers_too_large",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Shed => "shed",
            Self::Closed => "closed",
        }
    }

    /// The status line without the version.
    fn status(self) -> &'static str {
        match self {
            Self::Accepted => "200 OK",
            Self::BadBody | Self::BadFraming => "400 Bad Request",
            Self::BadSource => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::BadMethod => "405 Method Not Allowed",
            Self::TooSlow => "408 Request Timeout",
            Self::TooLarge => "413 Content Too Large",
            Self::UrlTooLong => "414 URI Too Long",
            Self::BadContentType => "415 Unsupported Media Type",
            Self::BadExpectation => "417 Expectation Failed",
            Self::RateLimited => "429 Too Many Requests",
            Self::HeadersTooLarge => "431 Request Header Fields Too Large",
            Self::Unavailable | Self::Shed | Self::Closed => "503 Service Unavailable",
            Self::BadVersion => "505 HTTP Version Not Supported",
        }
    }

    /// Whether the body is read to its end and the connection is good for another request.
    fn keeps_the_connection(self) -> bool {
        match self {
            Self::Accepted | Self::BadBody | Self::Unavailable => true,
            Self::BadFraming
            | Self::BadVersion
            | Self::BadExpectation
            | Self::BadSource
            | Self::NotFound
            | Self::BadMethod
            | Self::TooSlow
            | Self::TooLarge
            | Self::UrlTooLong
            | Self::BadContentType
            | Self::HeadersTooLarge
            | Self::RateLimited
            | Self::Shed
            | Self::Closed => false,
        }
    }

    /// What the sender is asked to wait before it comes again.
    fn retry_after(self) -> Option<Duration> {
        match self {
            Self::RateLimited | Self::Shed => Some(Duration::from_secs(1)),
            // Long enough for a broker to elect a leader.
            Self::Unavailable => Some(Duration::from_secs(5)),
            Self::Closed => Some(Duration::from_mins(1)),
            Self::Accepted
            | Self::BadBody
            | Self::BadFraming
            | Self::BadVersion
            | Self::BadExpectation
            | Self::BadSource
            | Self::NotFound
            | Self::BadMethod
            | Self::TooSlow
            | Self::TooLarge
            | Self::UrlTooLong
            | Self::BadContentType
            | Self::HeadersTooLarge => None,
        }
    }
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    outcome: Outcome,
    last: bool,
}

impl Answer {
    /// An answer; it ends the connection where nobody can tell what follows on it.
    pub(crate) fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            last: !outcome.keeps_the_connection(),
        }
    }

    /// Ends the connection too.
    #[must_use]
    pub(crate) fn and_close(mut self, close: bool) -> Self {
        self.last |= close;
        self
    }

    /// What it is counted under.
    pub(crate) fn outcome(self) -> Outcome {
        self.outcome
    }

    /// Whether the connection ends with it.
    pub(crate) fn is_last(self) -> bool {
        self.last
    }

    /// The bytes of the answer. `secure` adds that the host is to be reached by TLS only (RFC 6797).
    pub(crate) fn write(self, date: &str, secure: bool) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(192);
        let mut put = |text: &str| bytes.extend_from_slice(text.as_bytes());
        put("HTTP/1.1 ");
        put(self.outcome.status());
        put("\r\ncontent-length: 0\r\ndate: ");
        put(date);
        put("\r\n");
        if self.outcome == Outcome::BadMethod {
            put("allow: POST\r\n");
        }
        if let Some(after) = self.outcome.retry_after() {
            put(&format!("retry-after: {}\r\n", after.as_secs()));
        }
        if secure {
            put("strict-transport-security: max-age=31536000\r\n");
        }
        if self.last {
            put("connection: close\r\n");
        }
        put("\r\n");
        bytes
    }
}

/// A time as HTTP writes it (RFC 9110 §5.6.7), kept for the second in which it is true.
#[derive(Clone, Debug, Default)]
pub(crate) struct Date {
    second: i64,
    text: String,
}

impl Date {
    /// The text for a time.
    pub(crate) fn at(&mut self, now: Timestamp) -> &str {
        let second = now.micros().div_euclid(1_000_000);
        if second != self.second || self.text.is_empty() {
            self.second = second;
            self.text = imf_fixdate(second);
        }
        &self.text
    }
}

fn imf_fixdate(second: i64) -> String {
    let time = time::OffsetDateTime::from_unix_timestamp(second)
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let form = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    time.format(form).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_status_and_what_the_sender_needs() {
        let date = Date::default()
            .at(Timestamp::from_micros(784_111_777_000_000))
            .to_owned();
        assert_eq!(date, "Sun, 06 Nov 1994 08:49:37 GMT");
        let text = |outcome| String::from_utf8(Answer::of(outcome).write(&date, false)).unwrap();
        assert_eq!(
            text(Outcome::Accepted),
            format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\ndate: {date}\r\n\r\n")
        );
        assert!(text(Outcome::BadMethod).contains("allow: POST\r\n"));
        assert!(text(Outcome::Unavailable).contains("retry-after: 5\r\n"));
        for outcome in Outcome::ALL {
            let answer = text(outcome);
            assert!(answer.ends_with("\r\n\r\n") && answer.contains("content-length: 0\r\n"));
            assert_eq!(
                answer.contains("connection: close"),
                Answer::of(outcome).is_last(),
                "{answer}"
            );
        }
    }

    #[test]
    fn labels_are_told_apart() {
        let mut labels: Vec<_> = Outcome::ALL.iter().map(|one| one.as_str()).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), Outcome::ALL.len());
        for (number, outcome) in Outcome::ALL.iter().enumerate() {
            assert_eq!(*outcome as usize, number);
        }
    }
}
