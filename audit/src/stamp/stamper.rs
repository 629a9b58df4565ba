//! Asking for tokens: one over the newest checkpoint each time the pause is over, kept in the history with the very bytes
//! that it is over.

use std::{sync::Arc, time::Duration};

use stage::{Chance, Clock, Context, Retry, database::Lead, retry::Pauses};

use super::{
    Stamping,
    token::{self, NoToken, Token},
};
use crate::{
    asking::{Client, Question, Unanswered},
    evidence::Evidence,
    log::tree::sha256,
    store::{Stamped, Store, signed},
    tally,
};

/// Media types of request and reply (RFC 3161 section 3.4).
const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";
/// Longest reply that is read, in bytes: a token with its chain of certificates and their revocations has some kilobytes.
const MAX_REPLY: usize = 64 << 10;
/// How far the authority's clock and ours may be apart, in milliseconds: what is further off dates nothing.
const CLOCKS_MS: u64 = 300_000;
/// How often it is looked whether the pause is over.
const TICK: Duration = Duration::from_secs(1);
/// Pauses after a failure: an authority is somebody else's, and no evidence is lost while it is away.
const FIRST: Duration = Duration::from_secs(1);
const CEILING: Duration = Duration::from_mins(1);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
enum Miss {
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
    #[error("it answers with status {0}")]
    Status(u16),
    #[error(transparent)]
    NoToken(#[from] NoToken),
    #[error("its token is over something else, or of another request")]
    Strange,
    #[error("its clock and ours are {0} ms apart")]
    Clock(u64),
    #[error(transparent)]
    History(#[from] Retry),
}

impl Miss {
    /// One word, for counting.
    fn word(&self) -> &'static str {
        match self {
            Self::Unanswered(Unanswered::Unreachable(_)) => "unreachable",
            Self::Status(_) => "status",
            Self::NoToken(NoToken::Refused(_)) => "refused",
            Self::Unanswered(Unanswered::TooLong) | Self::NoToken(NoToken::Form) => "form",
            Self::Strange => "strange",
            Self::Clock(_) => "clock",
            Self::History(_) => "history",
        }
    }
}

/// Who asks.
#[derive(Debug)]
pub(crate) struct Stamper {
    store: Arc<dyn Store>,
    evidence: Evidence,
    clock: Arc<dyn Clock>,
    chance: Chance,
    client: Client,
    stamping: Stamping,
    /// When this process began, in milliseconds: what was never stamped is that old.
    begun: i64,
}

impl Stamper {
    /// For the log in this store; none where no authority is named. `evidence` shows what is to be stamped.
    pub(crate) fn of(
        stamping: &Stamping,
        (store, evidence): (Arc<dyn Store>, Evidence),
        context: &Context,
    ) -> anyhow::Result<Option<Self>> {
        if stamping.url.is_empty() {
            return Ok(None);
        }
        tally::stamp_begins();
        Ok(Some(Self {
            store,
            evidence,
            begun: context.clock.now().millis(),
            clock: Arc::clone(&context.clock),
            chance: context.chance,
            client: Client::new()?,
            stamping: stamping.clone(),
        }))
    }

    /// Asks whenever the pause is over, as long as this process leads and until asked to stop.
    pub(crate) async fn run(&self, lead: &Lead, context: &Context) {
        let mut pauses = Pauses::between(FIRST, CEILING);
        loop {
            let mut pause = TICK;
            // The signer says what is wrong with the database.
            if lead.holds().await.unwrap_or(false) {
                match self.turn().await {
                    Ok(()) => pauses = Pauses::between(FIRST, CEILING),
                    Err(miss) => {
                        tally::stamp_failed(miss.word());
                        tracing::warn!("the time-stamping authority has not stamped: {miss}");
                        pause = pauses.next_pause();
                    }
                }
            }
            let rest = tokio::time::sleep(pause);
            if context.stopper.run_until_stopped(rest).await.is_none() {
                return;
            }
        }
    }

    /// Asks for a token if the last one is old enough, and tells how old it is.
    async fn turn(&self) -> Result<(), Miss> {
        let newest = self.store.log().newest_stamp().await?;
        let age = |now: i64| now.saturating_sub(newest.unwrap_or(self.begun)).max(0);
        let now = self.clock.now().millis();
        tally::stamp_age(age(now) / 1_000);
        let every = signed(self.stamping.every_s.saturating_mul(1_000));
        if newest.is_some() && age(now) < every {
            return Ok(());
        }
        if let Some(at) = self.stamp().await? {
            tally::stamp_age(self.clock.now().millis().saturating_sub(at).max(0) / 1_000);
        }
        Ok(())
    }

    /// Has the newest checkpoint stamped that is shown, and keeps both; when, or nothing if nothing is shown yet.
    async fn stamp(&self) -> Result<Option<i64>, Miss> {
        let Some(shown) = self.evidence.checkpoint().await? else {
            return Ok(None);
        };
        let imprint = sha256(&[shown.note.as_bytes()]);
        let (body, nonce) = token::request(&imprint, self.chance.bytes());
        let question = Question {
            url: self.stamping.url.clone(),
            kind: Some(QUERY),
            body,
            limit: MAX_REPLY,
        };
        let answered = self.client.post(question).await?;
        if answered.status != 200 {
            return Err(Miss::Status(answered.status));
        }
        if answered.kind.as_deref().map(str::trim) != Some(REPLY) {
            return Err(NoToken::Form.into());
        }
        let at = judged(
            &token::read(&answered.body)?,
            (&imprint, &nonce),
            &*self.clock,
        )?;
        let stamped = Stamped {
            size: signed(shown.size),
            at,
            note: shown.note,
            token: answered.body,
        };
        self.store.log().add_stamp(&stamped).await?;
        Ok(Some(at))
    }
}

/// When, if the token is the answer to this request and of now.
fn judged(
    token: &Token,
    (imprint, nonce): (&[u8; 32], &[u8]),
    clock: &dyn Clock,
) -> Result<i64, Miss> {
    if token.imprint != *imprint || token.nonce.as_deref() != Some(nonce) {
        return Err(Miss::Strange);
    }
    let apart = token.at.abs_diff(clock.now().millis());
    if apart > CLOCKS_MS {
        return Err(Miss::Clock(apart));
    }
    Ok(token.at)
}

#[cfg(test)]
mod tests;
