//! What the door answers: a status, perhaps `Allow` or `Retry-After`, never a body.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    Response, StatusCode,
    header::{ALLOW, CONNECTION, HeaderValue, RETRY_AFTER},
};

/// An answer, with the word that counts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    status: StatusCode,
    outcome: &'static str,
    retry_after: Option<Duration>,
    allow: bool,
    close: bool,
}

impl Answer {
    /// An answer that is counted as `outcome`.
    pub fn of(status: StatusCode, outcome: &'static str) -> Self {
        Self {
            status,
            outcome,
            retry_after: None,
            allow: false,
            close: false,
        }
    }

    /// An answer that asks to come back later.
    pub fn retry(status: StatusCode, outcome: &'static str, after: Duration) -> Self {
        Self {
            retry_after: Some(after),
            ..Self::of(status, outcome)
        }
    }

    /// Names the one method that is allowed.
    #[must_use]
    pub fn allowing_post(mut self) -> Self {
        self.allow = true;
        self
    }

    /// Closes the connection, because what follows on it cannot be told apart.
    #[must_use]
    pub fn and_close(mut self) -> Self {
        self.close = true;
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Counts the answer and makes the response.
    pub(super) fn into_response(self) -> Response<Empty<Bytes>> {
        metrics::counter!("idtrail_ingest_requests_total", "outcome" => self.outcome).increment(1);
        let mut response = Response::new(Empty::new());
        *response.status_mut() = self.status;
        if let Some(after) = self.retry_after {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(after.as_secs()));
        }
        if self.allow {
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("POST"));
        }
        if self.close {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
