//! Asking a witness.

use super::{
    Submission,
    answer::{self, Answer, Miss},
};
use crate::asking::{Client, Question, Unanswered};

/// Longest answer that is read, in bytes: some signature lines.
const MAX_ANSWER: usize = 16 << 10;

/// Submits a checkpoint to the witness at this URL.
pub(super) async fn submit(
    client: &Client,
    url: &str,
    submission: &Submission,
) -> Result<Answer, Miss> {
    let question = Question {
        url: format!("{}/add-checkpoint", url.trim_end_matches('/')),
        kind: None,
        body: submission.to_string().into_bytes(),
        limit: MAX_ANSWER,
    };
    let answered = client.post(question).await.map_err(|error| match error {
        Unanswered::Unreachable(why) => Miss::Unreachable(why),
        Unanswered::TooLong => Miss::Form,
    })?;
    answer::read(answered.status, answered.kind.as_deref(), &answered.body)
}
