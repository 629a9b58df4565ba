//! Asking a witness over HTTP, within bounds: time, length of the answer, no redirects, no proxy.

use std::{error::Error as _, time::Duration};

use reqwest::{header::CONTENT_TYPE, redirect::Policy};

use super::{
    Submission,
    answer::{self, Answer, Miss},
};

/// How long one request may take: a witness does one transaction.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// Longest answer that is read: some signature lines.
const MAX_ANSWER: usize = 16 << 10;

/// The client of all witnesses.
#[derive(Clone, Debug)]
pub(super) struct Client(reqwest::Client);

impl Client {
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let builder = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(Policy::none());
        builder.build().map(Self)
    }

    /// Submits a checkpoint to the witness at this URL.
    pub(super) async fn submit(&self, url: &str, submission: &Submission) -> Result<Answer, Miss> {
        let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        let request = self.0.post(url).body(submission.to_string());
        let mut response = request.send().await.map_err(unreachable)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                return Err(Miss::Form);
            }
        }
        let kind = response.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok());
        answer::read(response.status().as_u16(), kind, &body)
    }
}

/// The cause says what is wrong; the outer text only that something is.
#[expect(clippy::needless_pass_by_value, reason = "it is a step of `map_err`")]
fn unreachable(error: reqwest::Error) -> Miss {
    let mut why = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        why = deeper.to_string();
        cause = deeper.source();
    }
    Miss::Unreachable(why)
}
