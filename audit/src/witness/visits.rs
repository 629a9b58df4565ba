//! Visiting the witnesses: after each checkpoint every one of them is shown the newest, with the proof that it continues
//! what that witness has seen.

use std::{sync::Arc, time::Duration};

use stage::{Clock, Context, Retry, database::Lead};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use super::{
    Objection, Objections, Rhythm, Submission, Witness,
    answer::{self, Answer, Miss},
    client,
    standing::Standing,
};
use crate::{
    asking::Client,
    evidence::Evidence,
    log::{
        checkpoint::Checkpoint,
        key::{SigningKey, VerifierKey},
        note::{Note, Signature},
        tree::empty_root,
    },
    store::{Store, signed},
    tally,
};

/// Requests of one visit: one to learn what the witness has seen, one to continue from there.
const TRIES: usize = 2;
/// How long the first visit may hold up signing: who is not heard by then is asked again in the next round.
const GREETING: Duration = Duration::from_secs(15);
/// All witnesses of one log.
#[derive(Debug)]
pub(crate) struct Witnesses {
    store: Arc<dyn Store>,
    evidence: Evidence,
    key: Arc<SigningKey>,
    clock: Arc<dyn Clock>,
    client: Client,
    all: Vec<Known>,
    objections: Objections,
    period: Duration,
    /// When this process began, in seconds: who has not cosigned since is that old.
    begun: u64,
}

/// One of them.
#[derive(Debug)]
struct Known {
    name: String,
    url: String,
    key: VerifierKey,
    standing: Mutex<Standing>,
}

/// The newest checkpoint.
struct Newest {
    checkpoint: Checkpoint,
    note: Note,
    /// Whether the history has it, so that cosignatures can be kept.
    kept: bool,
}

impl Witnesses {
    /// The witnesses of the settings, for the log in this store.
    pub(crate) fn of(
        (witnesses, rhythm): (&[Witness], Rhythm),
        store: Arc<dyn Store>,
        key: Arc<SigningKey>,
        clock: Arc<dyn Clock>,
        objections: Objections,
    ) -> anyhow::Result<Self> {
        let period = Duration::from_millis(rhythm.every_ms);
        let known = |one: &Witness| {
            let key = one.verifier();
            let key = key.ok_or_else(|| anyhow::anyhow!("`audit.witnesses` has a bad key"))?;
            tally::witness_begins(&one.name);
            Ok(Known {
                name: one.name.clone(),
                url: one.url.clone(),
                key,
                standing: Mutex::new(Standing::new(period)),
            })
        };
        Ok(Self {
            evidence: Evidence::on(Arc::clone(&store)),
            store,
            key,
            begun: seconds(clock.as_ref()),
            clock,
            client: Client::new()?,
            all: witnesses.iter().map(known).collect::<anyhow::Result<_>>()?,
            objections,
            period,
        })
    }

    /// The first round, before anything is signed: a history that is older than what witnesses have seen, or another
    /// one, must not sign. Without a checkpoint the empty one is shown, which continues into every log.
    pub(crate) async fn greet(&self, context: &Context) {
        if self.all.is_empty() {
            return;
        }
        let round = timeout(GREETING, self.round());
        if let Some(Err(_)) = context.stopper.run_until_stopped(round).await {
            tracing::warn!("not all witnesses have answered at the start; they are asked again");
        }
    }

    /// Visits all, round after round, as long as this process leads and until asked to stop.
    pub(crate) async fn run(&self, lead: &Lead, context: &Context) {
        if self.all.is_empty() {
            return;
        }
        let pause = || tokio::time::sleep(self.period);
        while context.stopper.run_until_stopped(pause()).await.is_some() {
            // The signer says what is wrong with the database.
            if lead.holds().await.unwrap_or(false) {
                self.round().await;
            }
        }
    }

    /// Shows the newest checkpoint to everybody who has not cosigned it.
    pub(crate) async fn round(&self) {
        match self.newest().await {
            Ok(newest) => {
                futures::future::join_all(self.all.iter().map(|one| self.visit(one, &newest)))
                    .await;
            }
            Err(retry) => tracing::warn!("the witnesses cannot be asked: {retry}"),
        }
    }

    async fn newest(&self) -> Result<Newest, Retry> {
        let kept = self.store.log().newest_checkpoint().await?;
        let foreign = || Retry::because("the newest checkpoint is not signed by this log's key");
        if let Some(kept) = kept {
            let opened = Checkpoint::open(kept.note.as_bytes(), self.key.verifier());
            let (checkpoint, note) = opened.map_err(|_| foreign())?;
            return Ok(Newest {
                checkpoint,
                note,
                kept: true,
            });
        }
        let checkpoint = Checkpoint {
            origin: self.key.verifier().name().to_owned(),
            size: 0,
            root: empty_root(),
            extensions: Vec::new(),
        };
        let note = checkpoint.sign(&self.key).ok_or_else(foreign)?;
        Ok(Newest {
            checkpoint,
            note,
            kept: false,
        })
    }

    async fn visit(&self, one: &Known, newest: &Newest) {
        let mut standing = one.standing.lock().await;
        if standing.is_due(newest.checkpoint.size, Instant::now()) {
            match self.submit(one, &mut standing, newest).await {
                Ok(()) => {
                    standing.is_well();
                    self.objections.clear(&one.name);
                    tally::witness_objects(&one.name, false);
                }
                Err(miss) => self.missed(one, &mut standing, miss),
            }
        }
        let since = match standing.at {
            0 => self.begun,
            at => at,
        };
        let age = seconds(self.clock.as_ref()).saturating_sub(since);
        tally::witness_age(&one.name, age);
    }

    fn missed(&self, one: &Known, standing: &mut Standing, miss: Miss) {
        tally::witness_failed(&one.name, miss.word());
        let fork = matches!(miss, Miss::Objects(Objection::Fork { .. }));
        standing.has_failed(fork, Instant::now());
        let Miss::Objects(objection) = miss else {
            tracing::warn!(witness = one.name, "a witness has not cosigned: {miss}");
            return;
        };
        tracing::error!(witness = one.name, "a witness objects: {objection}");
        tally::witness_objects(&one.name, true);
        self.objections.raise(&one.name, objection);
    }

    async fn submit(
        &self,
        one: &Known,
        standing: &mut Standing,
        newest: &Newest,
    ) -> Result<(), Miss> {
        let size = newest.checkpoint.size;
        let fork = || Objection::Fork {
            witness: one.name.clone(),
            size,
        };
        for _ in 0..TRIES {
            let old = standing.seen.unwrap_or(0);
            let Some(proof) = self.evidence.consistency(old, size).await? else {
                // It has seen a newer one. If this history knows it, another process was here before.
                return self.knows(one, old).await;
            };
            let submission = Submission {
                old,
                proof,
                note: newest.note.to_string(),
            };
            match client::submit(&self.client, &one.url, &submission).await? {
                Answer::Cosigned(lines) => return self.keep(one, standing, (newest, &lines)).await,
                Answer::Seen(seen) if seen != old => {
                    self.knows(one, seen).await?;
                    standing.seen = Some(seen);
                }
                // An earlier edition of the specification says so of another root at the same size.
                Answer::Seen(_) if old == size => return Err(fork().into()),
                Answer::Seen(_) => return Err(Miss::Form),
                Answer::Fork => return Err(fork().into()),
            }
        }
        Err(Miss::Moving)
    }

    /// An error if this history has never shown a checkpoint of a size that the witness has seen. Each is kept before
    /// anybody is shown it.
    async fn knows(&self, one: &Known, seen: u64) -> Result<(), Miss> {
        let log = self.store.log();
        if seen == 0 || log.checkpoint(signed(seen)).await?.is_some() {
            return Ok(());
        }
        let (size, _) = log.head().await?;
        let (witness, size) = (one.name.clone(), u64::try_from(size).unwrap_or(0));
        Err(if seen > size {
            Objection::Behind {
                witness,
                seen,
                size,
            }
            .into()
        } else {
            Objection::Strange { witness, seen }.into()
        })
    }

    /// Keeps the cosignature, once it is verified.
    async fn keep(
        &self,
        one: &Known,
        standing: &mut Standing,
        (newest, lines): (&Newest, &[Signature]),
    ) -> Result<(), Miss> {
        let now = seconds(self.clock.as_ref());
        let (at, line) = answer::own(lines, &one.key, (newest.note.text(), now))?;
        let (size, line) = (newest.checkpoint.size, line.to_string());
        let log = self.store.log();
        if newest.kept && !log.cosignatures(signed(size)).await?.contains(&line) {
            let given = (signed(size), one.key.name(), signed(at), line.as_str());
            log.add_cosignature(given).await?;
        }
        standing.has_cosigned(size, at, Instant::now());
        Ok(())
    }
}

fn seconds(clock: &dyn Clock) -> u64 {
    u64::try_from(clock.now().millis() / 1_000).unwrap_or(0)
}
