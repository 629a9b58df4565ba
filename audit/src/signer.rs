//! The signer: signs what is committed, and only what continues what was signed before.
//!
//! First the head store, then the history, then whoever asks: after a crash between any two of them the same bytes come
//! about again, because Ed25519 gives one signature for one text.

use std::{sync::Arc, time::Duration};

use stage::{Clock, Context, Retry, database::Lead};

use self::heads::HeadStore;
use crate::{
    log::{
        checkpoint::Checkpoint,
        key::SigningKey,
        tile::{Tiles, Wanted},
        tree::{Hash, root_at},
    },
    store::{Kept, LogStore, Store, signed},
    tally,
    witness::Objections,
};

pub(crate) mod heads;
mod refusal;

pub(crate) use refusal::Refusal;

/// What it is called on `/readyz`, and who leads by this name signs.
pub(crate) const NAME: &str = "audit-signer";
/// Pause after a refusal or an error: somebody must act first, and it must not fill the log.
const PAUSE: Duration = Duration::from_secs(5);

/// The signer of one log.
#[derive(Debug)]
pub(crate) struct Signer {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) heads: Arc<dyn HeadStore>,
    pub(crate) key: Arc<SigningKey>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lead: Lead,
    /// What witnesses have against this history.
    pub(crate) objections: Objections,
    /// Pause between two checkpoints.
    pub(crate) period: Duration,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotSigned {
    /// Something does not answer, or another process was faster.
    #[error(transparent)]
    Retry(#[from] Retry),
    /// It must not be signed.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Signer {
    /// Signs until asked to stop, and once more then, so that what was appended last is covered.
    pub(crate) async fn run(&self, context: &Context) {
        let status = context.health.stage(NAME);
        loop {
            let last = context.stopper.is_stopping();
            let now = self.clock.now();
            let pause = match self.turn().await {
                Ok(true) => {
                    tally::refused(false);
                    status.running(now);
                    self.period
                }
                Ok(false) => {
                    status.standby(now);
                    self.period
                }
                Err(why) => {
                    let retry = match why {
                        NotSigned::Retry(retry) => retry,
                        NotSigned::Refused(refusal) => {
                            tally::refused(true);
                            tracing::error!("the log refuses to sign: {refusal}");
                            Retry::because(refusal)
                        }
                    };
                    status.retrying(&retry, PAUSE, now);
                    PAUSE
                }
            };
            if last {
                break;
            }
            let _stopped = context
                .stopper
                .run_until_stopped(tokio::time::sleep(pause))
                .await;
        }
        status.stopped(self.clock.now());
    }

    /// Signs if this process leads; false if another one does.
    async fn turn(&self) -> Result<bool, NotSigned> {
        if !self.lead.holds().await? {
            return Ok(false);
        }
        self.sign().await?;
        Ok(true)
    }

    /// Signs the head of the history, if that is newer than what was signed; and shows what was signed and not yet shown.
    pub(crate) async fn sign(&self) -> Result<(), NotSigned> {
        // In this order. Another process first commits, then swaps the head store, then shows its checkpoint; whoever
        // reads the other way round never sees one ahead of what it rests on, which would look like a history set back.
        let log = self.store.log();
        let kept = log.newest_checkpoint().await?;
        let stored = self.heads.read().await?;
        let (size, root) = log.head().await?;
        let size = u64::try_from(size).unwrap_or(0);
        let root: Hash = root
            .as_slice()
            .try_into()
            .map_err(|_| Refusal::Contradiction)?;
        let last = match &stored {
            Some(note) => Some(self.judged(note, (size, kept.as_ref())).await?),
            // Without a head store anything could have been signed already.
            None if kept.is_some() => return Err(Refusal::Lost.into()),
            None => None,
        };
        if let Some(last) = &last {
            let newest = kept.map_or(-1, |kept| kept.size);
            if signed(last.size) > newest {
                self.show(last).await?;
            }
        }
        self.objections.none().map_err(Refusal::from)?;
        if last.is_some_and(|last| last.size == size) {
            return Ok(());
        }
        if self.root_at(size).await? != Some(root) {
            return Err(Refusal::Contradiction.into());
        }
        let next = self.checkpoint(size, root);
        let note = self.note(&next)?;
        if !self.heads.swap(stored.as_deref(), (size, &note)).await? {
            return Err(Retry::because("another process has signed at the same time").into());
        }
        self.show(&next).await?;
        Ok(())
    }

    /// What was signed last, if the history continues it.
    async fn judged(
        &self,
        note: &str,
        (size, kept): (u64, Option<&Kept>),
    ) -> Result<Checkpoint, NotSigned> {
        let opened = Checkpoint::open(note.as_bytes(), self.key.verifier());
        let (last, _) = opened.map_err(|_| Refusal::Foreign)?;
        if last.size > size {
            return Err(Refusal::Behind {
                signed: last.size,
                size,
            }
            .into());
        }
        if self.root_at(last.size).await? != Some(last.root) {
            return Err(Refusal::Forked { signed: last.size }.into());
        }
        if let Some(kept) = kept.filter(|kept| kept.size > signed(last.size)) {
            return Err(Refusal::Older {
                signed: last.size,
                kept: kept.size,
            }
            .into());
        }
        Ok(last)
    }

    /// The root at a size, from the tiles.
    async fn root_at(&self, size: u64) -> Result<Option<Hash>, Retry> {
        let mut wanted = Wanted::default();
        let _worthless = root_at(&mut wanted, size);
        let tiles = tiles(self.store.log(), &wanted).await?;
        Ok(root_at(&mut &tiles, size))
    }

    async fn show(&self, checkpoint: &Checkpoint) -> Result<(), NotSigned> {
        let kept = Kept {
            size: signed(checkpoint.size),
            root: checkpoint.root.to_vec(),
            note: self.note(checkpoint)?,
            at: self.clock.now().millis(),
        };
        self.store.log().add_checkpoint(&kept).await?;
        tally::signed(kept.size);
        Ok(())
    }

    fn checkpoint(&self, size: u64, root: Hash) -> Checkpoint {
        let origin = self.key.verifier().name().to_owned();
        Checkpoint {
            origin,
            size,
            root,
            extensions: Vec::new(),
        }
    }

    fn note(&self, checkpoint: &Checkpoint) -> Result<String, Refusal> {
        let note = checkpoint.sign(&self.key).ok_or(Refusal::Foreign)?;
        Ok(note.to_string())
    }
}

/// The tiles that a proof wants, as many of their hashes as there are by now.
pub(crate) async fn tiles(log: &dyn LogStore, wanted: &Wanted) -> Result<Tiles, Retry> {
    let mut tiles = Tiles::default();
    for (level, index) in wanted.tiles() {
        if let Some(data) = log.tile(i32::from(level), signed(index)).await? {
            let (hashes, _) = data.as_chunks::<32>();
            tiles.insert(level, index, hashes.to_vec());
        }
    }
    Ok(tiles)
}
