//! How no is said: RFC 9457 problem documents with fixed words. They hold nothing of the request and nothing of the
//! machine.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// No token, or none that is known.
    Unauthorized,
    /// On loopback without login: the request was meant for another host, as a page that plays tricks with names does.
    ForeignHost,
    /// An account that the reader does not see.
    ForeignAccount,
    /// No such event, or one that the reader does not see.
    NoSuchEvent,
    /// The log has no such tile, or not so much of it under the newest checkpoint.
    NoSuchTile,
    /// Nothing was signed yet, or not as far as that.
    NothingSigned,
    /// Nothing answers there.
    NoSuchPath,
    /// Only reading is possible.
    MethodNotAllowed,
    /// A parameter that is not known, given twice, or not of its kind.
    BadParameters,
    /// A time that is not RFC 3339.
    BadTime,
    /// A question for accounts with anything but a day.
    BadDay,
    /// A day whose account is not signed.
    NoSuchDay,
    /// A cursor that is not ours or belongs to another question.
    BadCursor,
    /// A purpose that is empty, too long, or not one line of text.
    BadPurpose,
    /// A check with more steps than are ever shown at once.
    TooLarge,
    /// A database is not ready.
    Unavailable,
    /// That somebody asked could not be recorded, so there is no answer.
    Unrecorded,
    /// The answer took too long.
    TooSlow,
}

impl Problem {
    fn words(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "A bearer token of a reader is needed.",
            ),
            Self::ForeignHost => (
                StatusCode::FORBIDDEN,
                "foreign-host",
                "Without login the host must be a loopback address or localhost.",
            ),
            Self::ForeignAccount => (
                StatusCode::FORBIDDEN,
                "foreign-account",
                "The account is not one that this reader sees.",
            ),
            Self::NoSuchEvent => (
                StatusCode::NOT_FOUND,
                "no-such-event",
                "There is no such event that this reader sees.",
            ),
            Self::NoSuchTile | Self::NothingSigned => self.words_of_the_log(),
            Self::NoSuchPath => (
                StatusCode::NOT_FOUND,
                "no-such-path",
                "Nothing answers there; see /openapi.json.",
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "Only GET is possible.",
            ),
            Self::BadParameters => (
                StatusCode::BAD_REQUEST,
                "bad-parameters",
                "The parameters are account, contact, reference, since, until, cursor and limit, each at most once.",
            ),
            Self::BadTime => (
                StatusCode::BAD_REQUEST,
                "bad-time",
                "since and until are RFC 3339 times.",
            ),
            Self::BadDay | Self::NoSuchDay => self.words_of_the_days(),
            Self::BadCursor => (
                StatusCode::BAD_REQUEST,
                "bad-cursor",
                "The cursor is none that was given for this question.",
            ),
            Self::BadPurpose | Self::Unrecorded => self.words_of_looks(),
            Self::TooLarge => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "too-large",
                "A check has more steps than are shown at once.",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "A database is not ready; try again.",
            ),
            Self::TooSlow => (
                StatusCode::SERVICE_UNAVAILABLE,
                "too-slow",
                "The answer took too long; narrow the question.",
            ),
        }
    }
}

impl Problem {
    /// The words for accounts.
    fn words_of_the_days(self) -> (StatusCode, &'static str, &'static str) {
        if self == Self::BadDay {
            return (
                StatusCode::BAD_REQUEST,
                "bad-day",
                "The only parameter is day, in UTC, as in 2026-11-25.",
            );
        }
        (
            StatusCode::NOT_FOUND,
            "no-such-day",
            "There is no signed statement of this day; a day is signed when all that is of it had its time.",
        )
    }

    /// The words for what the log does not show.
    fn words_of_the_log(self) -> (StatusCode, &'static str, &'static str) {
        if self == Self::NoSuchTile {
            return (
                StatusCode::NOT_FOUND,
                "no-such-tile",
                "The newest checkpoint covers no such tile.",
            );
        }
        (
            StatusCode::NOT_FOUND,
            "nothing-signed",
            "There is no signed checkpoint that covers this yet.",
        )
    }
}

impl Problem {
    /// The words for what stands in the way of recording a look.
    fn words_of_looks(self) -> (StatusCode, &'static str, &'static str) {
        if self == Self::BadPurpose {
            return (
                StatusCode::BAD_REQUEST,
                "bad-purpose",
                "X-Purpose is one line of ASCII text of at most 200 characters.",
            );
        }
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "unrecorded",
            "The answer could not be recorded, so it is not given; try again.",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, detail) = self.words();
        let document = json!({
            "type": format!("urn:idtrail:problem:{code}"),
            "title": code.replace('-', " "),
            "status": status.as_u16(),
            "detail": detail,
        });
        let mut response = (status, document.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        match self {
            Self::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::MethodNotAllowed => {
                headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            }
            Self::Unavailable | Self::Unrecorded | Self::TooSlow => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            Self::ForeignHost
            | Self::ForeignAccount
            | Self::NoSuchEvent
            | Self::NoSuchTile
            | Self::NothingSigned
            | Self::NoSuchPath
            | Self::BadParameters
            | Self::BadTime
            | Self::BadDay
            | Self::NoSuchDay
            | Self::BadCursor
            | Self::BadPurpose
            | Self::TooLarge => {}
        }
        response
    }
}
