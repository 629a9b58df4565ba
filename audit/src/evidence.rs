//! The log as it is handed out: the newest checkpoint, and tiles, leaves and proofs as of that. What is not signed yet is
//! not shown.

use std::sync::Arc;

use anyhow::Context as _;
use stage::{
    Retry,
    database::{Database, Location},
};

use crate::{
    Config, MIGRATIONS,
    config::DATABASE,
    log::{
        bundle, consistency, inclusion,
        note::{Note, Signature},
        policy::Policy,
        proof::Proof,
        tile::{Rank, Tile, WIDTH, Wanted},
        tree::Hash,
    },
    pack::{MAX_STAMPS, Stamp},
    signer::tiles,
    store::{self, Store, signed},
    witness,
};

/// What a log shows of itself.
#[derive(Clone, Debug)]
pub struct Evidence {
    store: Arc<dyn Store>,
    /// How many witnesses must have cosigned what is shown.
    quorum: usize,
}

/// A checkpoint that stands in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// How many leaves it covers.
    pub size: u64,
    /// The note: signed by the log, cosigned by the witnesses that have seen it so far.
    pub note: String,
}

impl Evidence {
    /// Opens the history beside whoever writes it. No key is needed: nothing that is read here is sealed.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let location: &Location = &config.database;
        let database = Database::open(location, DATABASE)?;
        database.check(DATABASE, &MIGRATIONS).await?;
        Ok(Self::on(store::open(&database)).asking(config.witness_quorum))
    }

    pub(crate) fn on(store: Arc<dyn Store>) -> Self {
        Self { store, quorum: 0 }
    }

    /// The same, showing only what so many witnesses have cosigned.
    pub(crate) fn asking(self, quorum: usize) -> Self {
        Self { quorum, ..self }
    }

    /// The newest checkpoint with the cosignatures that it has; where a quorum is asked for, the newest that has it. None
    /// if there is no such checkpoint yet.
    pub async fn checkpoint(&self) -> Result<Option<Shown>, Retry> {
        let log = self.store.log();
        let quorum = i64::try_from(self.quorum).unwrap_or(i64::MAX);
        let kept = match quorum {
            0 => log.newest_checkpoint().await?,
            quorum => log.newest_cosigned(quorum).await?,
        };
        let Some(kept) = kept else {
            return Ok(None);
        };
        let mut shown = Shown {
            size: u64::try_from(kept.size).unwrap_or(0),
            note: kept.note,
        };
        let lines = self.store.log().cosignatures(kept.size).await?;
        if !lines.is_empty() {
            let mut note = Note::parse(shown.note.as_bytes()).map_err(Retry::because)?;
            for line in lines.iter().filter_map(|line| Signature::parse(line)) {
                note.add(line);
            }
            shown.note = note.to_string();
        }
        Ok(Some(shown))
    }

    /// A tile or a bundle of the log of this size; none if the log has not so much of it.
    pub async fn tile(&self, tile: &Tile, size: u64) -> Result<Option<Vec<u8>>, Retry> {
        let there = Tile::at(tile.rank, tile.index, size);
        if there.is_none_or(|there| there.width < tile.width) {
            return Ok(None);
        }
        let width = usize::from(tile.width);
        match tile.rank {
            Rank::Level(level) => {
                let data = self.store.log().tile(i32::from(level), signed(tile.index));
                Ok(data
                    .await?
                    .and_then(|data| data.get(..width * 32).map(<[u8]>::to_vec)))
            }
            Rank::Entries => {
                let from = tile.index * u64::from(WIDTH);
                let below = from + u64::from(tile.width);
                let leaves = self.store.log().leaves(signed(from), signed(below)).await?;
                let whole = leaves.len() == width;
                let bundle = bundle::encode(leaves.iter().map(Vec::as_slice));
                Ok(bundle.filter(|_| whole))
            }
        }
    }

    /// The leaf at an index; none beyond the last one.
    pub async fn leaf(&self, index: u64) -> Result<Option<Vec<u8>>, Retry> {
        let from = signed(index);
        let leaves = self
            .store
            .log()
            .leaves(from, from.saturating_add(1))
            .await?;
        Ok(leaves.into_iter().next())
    }

    /// The proof that the leaf at an index stands in the log of a checkpoint; none if that does not cover it.
    pub async fn proof(&self, index: u64, shown: &Shown) -> Result<Option<Proof>, Retry> {
        let mut wanted = Wanted::default();
        if inclusion::build(&mut wanted, index, shown.size).is_none() {
            return Ok(None);
        }
        let tiles = tiles(self.store.log(), &wanted).await?;
        let hashes = inclusion::build(&mut &tiles, index, shown.size);
        let hashes = hashes.ok_or_else(|| Retry::because("the history lacks a tile"))?;
        Ok(Some(Proof {
            index,
            hashes,
            extra: None,
            checkpoint: shown.note.clone(),
        }))
    }

    /// The proof that the log of `new` leaves begins with that of `old`; none if `old` is the larger one.
    pub async fn consistency(&self, old: u64, new: u64) -> Result<Option<Vec<Hash>>, Retry> {
        let mut wanted = Wanted::default();
        if consistency::build(&mut wanted, old, new).is_none() {
            return Ok(None);
        }
        let tiles = tiles(self.store.log(), &wanted).await?;
        let hashes = consistency::build(&mut &tiles, old, new);
        Ok(Some(hashes.ok_or_else(|| {
            Retry::because("the history lacks a tile")
        })?))
    }

    /// The time stamps that date these entries, given in their order: for each the earliest whose checkpoint covers it and
    /// leads to this one; 1,000 at most.
    pub async fn stamps(&self, entries: &[u64], shown: &Shown) -> Result<Vec<Stamp>, Retry> {
        let mut stamps: Vec<Stamp> = Vec::new();
        for entry in entries {
            if stamps.last().is_some_and(|last| *entry < last.size) {
                continue;
            }
            let covers = self
                .store
                .log()
                .stamp_over(signed(*entry), signed(shown.size));
            let Some(found) = covers.await?.filter(|_| stamps.len() < MAX_STAMPS) else {
                break;
            };
            let size = u64::try_from(found.size).unwrap_or(0);
            let consistency = self.consistency(size, shown.size).await?;
            stamps.push(Stamp {
                size,
                checkpoint: found.note,
                token: found.token,
                consistency: consistency.unwrap_or_default(),
            });
        }
        Ok(stamps)
    }
}

/// The line that verifies the checkpoints of the settings' log; none where nothing is signed.
pub fn verifier_key(config: &Config) -> anyhow::Result<Option<String>> {
    let key = config.log_key().context("the log's key")?;
    Ok(key.map(|key| key.verifier().to_string()))
}

/// The policy (C2SP tlog-policy) of the settings' log: its key, its witnesses by the names of their keys, and how many of
/// them must have cosigned. None where nothing is signed.
pub fn policy(config: &Config) -> anyhow::Result<Option<String>> {
    let Some(key) = config.log_key().context("the log's key")? else {
        return Ok(None);
    };
    let text = witness::policy(key.verifier(), &config.witnesses, config.witness_quorum);
    // Whoever names a key so that it cannot stand in a policy must hear of it here, and not from the auditor.
    Policy::parse(&text).context("the witnesses of the settings make no policy")?;
    Ok(Some(text))
}
