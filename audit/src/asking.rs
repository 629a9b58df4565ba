//! Asking others over HTTP, within bounds: time, length of the answer, no redirects, no proxy.

use std::{error::Error as _, time::Duration};

use reqwest::{header::CONTENT_TYPE, redirect::Policy};

/// How long one request may take: a witness does one transaction, a time-stamping authority signs once.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);

/// The client.
#[derive(Clone, Debug)]
pub(crate) struct Client(reqwest::Client);

/// What is asked of whom.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) url: String,
    /// The media type of the body, where it has one.
    pub(crate) kind: Option<&'static str>,
    pub(crate) body: Vec<u8>,
    /// Longest answer that is read, in bytes.
    pub(crate) limit: usize,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// The media type, as it was written.
    pub(crate) kind: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Why nothing came back that could be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    /// Nobody answers, or not in time.
    #[error("it does not answer: {0}")]
    Unreachable(String),
    /// The answer is longer than it may be.
    #[error("its answer is too long")]
    TooLong,
}

impl Client {
    /// A client; an error where the system has no certificates to trust.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let builder = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(Policy::none());
        builder.build().map(Self)
    }

    /// Posts, and reads the answer to its end.
    pub(crate) async fn post(&self, question: Question) -> Result<Answered, Unanswered> {
        let mut request = self.0.post(question.url).body(question.body);
        if let Some(kind) = question.kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        let mut response = request.send().await.map_err(unreachable)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > question.limit {
                return Err(Unanswered::TooLong);
            }
        }
        let kind = response.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        Ok(Answered {
            status: response.status().as_u16(),
            kind,
            body,
        })
    }
}

/// The cause says what is wrong; the outer text only that something is.
#[expect(clippy::needless_pass_by_value, reason = "it is a step of `map_err`")]
fn unreachable(error: reqwest::Error) -> Unanswered {
    let mut why = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        why = deeper.to_string();
        cause = deeper.source();
    }
    Unanswered::Unreachable(why)
}
