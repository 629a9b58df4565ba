//! One submission from its bytes to its answer: judged and kept in one transaction, which is on disk before the answer.

use sqlx::{Row as _, Sqlite, Transaction, query, query_as};
use stage::Retry;

use super::{
    Server,
    verdict::{Verdict, judge},
};
use crate::{
    log::{
        checkpoint::Checkpoint,
        cosignature,
        key::VerifierKey,
        note::{Note, Signature},
        tree::{Hash, empty_root},
    },
    witness::Submission,
};

/// The answer to a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Cosigned: the line.
    Cosigned(String),
    /// It has not the form of a submission, or of a checkpoint.
    Malformed,
    /// The log is not known.
    UnknownLog,
    /// No key of the log has signed it.
    Unsigned,
    /// It goes back.
    Back,
    /// Another size was seen.
    Seen(u64),
    /// It does not continue what was seen.
    Inconsistent,
}

impl Server {
    /// Takes a submission.
    pub(super) async fn add_checkpoint(&self, body: &[u8]) -> Result<Said, Retry> {
        let Some(submission) = Submission::parse(body) else {
            return Ok(Said::Malformed);
        };
        let note = submission.note.as_bytes();
        let parsed = Note::parse(note)
            .ok()
            .and_then(|note| Some((Checkpoint::parse(note.text())?, note)));
        // A size beyond what the file can hold is of no log.
        let fits = |checkpoint: &Checkpoint| i64::try_from(checkpoint.size).is_ok();
        let Some((checkpoint, parsed)) = parsed.filter(|(checkpoint, _)| fits(checkpoint)) else {
            return Ok(Said::Malformed);
        };
        let keys = self.keys(&checkpoint.origin).await?;
        if keys.is_empty() {
            return Ok(Said::UnknownLog);
        }
        // A line that names one of the keys and was not made by it spoils all of it.
        if parsed.verify(&keys).is_err() {
            return Ok(Said::Unsigned);
        }
        // Of the others' lines nothing is known, so none is handed on.
        let Some(mut clean) = Note::new(parsed.text()) else {
            return Ok(Said::Malformed);
        };
        for line in parsed.signatures() {
            if keys.iter().any(|key| line.names(key)) {
                clean.add(line.clone());
            }
        }
        self.decide(&submission, &checkpoint, clean).await
    }

    /// The last checkpoint of a log that was cosigned, by the hash of its origin in hex.
    pub(super) async fn cosigned(&self, hash: &str) -> Result<Option<String>, Retry> {
        let heads = query("SELECT origin, note FROM heads").fetch_all(&self.pool);
        let heads = heads.await.map_err(unready)?;
        let found = heads.into_iter().find(|head| {
            let origin: String = head.get(0);
            hex::encode(crate::log::tree::sha256(&[origin.as_bytes()])) == hash
        });
        Ok(found.map(|head| head.get(1)))
    }

    async fn keys(&self, origin: &str) -> Result<Vec<VerifierKey>, Retry> {
        let keys: Vec<(String,)> = query_as("SELECT vkey FROM keys WHERE origin = $1")
            .bind(origin)
            .fetch_all(&self.pool)
            .await
            .map_err(unready)?;
        Ok(keys
            .iter()
            .filter_map(|(vkey,)| VerifierKey::parse(vkey))
            .collect())
    }

    async fn decide(
        &self,
        submission: &Submission,
        checkpoint: &Checkpoint,
        mut note: Note,
    ) -> Result<Said, Retry> {
        // The lock from here to the commit: two submissions at once must not both be judged by the same state.
        let begun = self.pool.begin_with("BEGIN IMMEDIATE").await;
        let mut transaction = begun.map_err(unready)?;
        let seen = head(&mut transaction, &checkpoint.origin).await?;
        let (size, root) = seen.unwrap_or_else(|| (0, empty_root()));
        let new = (checkpoint.size, &checkpoint.root);
        match judge((size, &root), (submission.old, &submission.proof), new) {
            Verdict::Cosign => {}
            Verdict::Back => return Ok(Said::Back),
            Verdict::Seen(size) => return Ok(Said::Seen(size)),
            Verdict::Inconsistent => {
                tracing::error!(
                    origin = checkpoint.origin,
                    seen = size,
                    size = checkpoint.size,
                    "refused: a checkpoint with the log's own signature does not continue what was seen"
                );
                return Ok(Said::Inconsistent);
            }
        }
        let line = self.line(note.text())?;
        note.add(line.clone());
        keep(
            &mut transaction,
            checkpoint,
            &note.to_string(),
            seen.is_some(),
        )
        .await?;
        // From here on it is on disk.
        transaction.commit().await.map_err(unready)?;
        Ok(Said::Cosigned(format!("{line}\n")))
    }

    fn line(&self, text: &str) -> Result<Signature, Retry> {
        let now = self.clock.now().millis() / 1_000;
        let time = u64::try_from(now).ok().filter(|time| *time > 0);
        let line = time.and_then(|time| cosignature::sign(&self.key, time, text));
        line.ok_or_else(|| Retry::because("the clock of this machine stands before 1970"))
    }
}

async fn head(
    transaction: &mut Transaction<'static, Sqlite>,
    origin: &str,
) -> Result<Option<(u64, Hash)>, Retry> {
    let head: Option<(i64, Vec<u8>)> = query_as("SELECT size, root FROM heads WHERE origin = $1")
        .bind(origin)
        .fetch_optional(&mut **transaction)
        .await
        .map_err(unready)?;
    let Some((size, root)) = head else {
        return Ok(None);
    };
    let head = u64::try_from(size).ok().zip(root.try_into().ok());
    // What is damaged must not be taken for nothing seen.
    head.map(Some)
        .ok_or_else(|| Retry::because("the witness's file is damaged"))
}

async fn keep(
    transaction: &mut Transaction<'static, Sqlite>,
    checkpoint: &Checkpoint,
    note: &str,
    known: bool,
) -> Result<(), Retry> {
    let sql = if known {
        "UPDATE heads SET size = $2, root = $3, note = $4 WHERE origin = $1"
    } else {
        "INSERT INTO heads (origin, size, root, note) VALUES ($1, $2, $3, $4)"
    };
    let kept = query(sql)
        .bind(&checkpoint.origin)
        .bind(crate::store::signed(checkpoint.size))
        .bind(checkpoint.root.as_slice())
        .bind(note)
        .execute(&mut **transaction)
        .await;
    kept.map(|_| ()).map_err(unready)
}

#[expect(clippy::needless_pass_by_value, reason = "it is a step of `map_err`")]
fn unready(error: sqlx::Error) -> Retry {
    Retry::because(format!("the witness's file does not answer: {error}"))
}
