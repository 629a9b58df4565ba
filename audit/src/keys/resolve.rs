//! What the names of a batch stand for: from memory, else from the database, else made up and added to it.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use stage::{Chance, Retry};
use uuid::Uuid;

use super::{KeyStore, Names, New, Resolved, Wrapped, open_key, recent::Recent};
use crate::seal::{Blind, DataKey, Kek, Kind};

/// Handles, keys and aliases kept in memory, of each so many: the clients and checks of some hours, in about 20 MB.
const KEPT: usize = 65_536;
/// How often another process may be faster with the same name before the batch waits.
const TRIES: usize = 3;

/// Names, handles and keys, as the writer needs them.
///
/// Keys stay in memory for a while. Whoever destroys one must do so [`alone`](Self::alone), and then have the writer
/// [`forget`](Self::forget).
pub(crate) struct Keys {
    store: Arc<dyn KeyStore>,
    kek: Arc<Kek>,
    chance: Chance,
    kept: Mutex<Kept>,
    /// One at a time: who looks names up and adds what is new, or who destroys.
    turn: tokio::sync::Mutex<()>,
    /// How often keys were forgotten.
    forgotten: AtomicU64,
}

/// What the names of a batch stand for, as long as no key was destroyed since.
pub(crate) struct Found {
    pub(crate) resolved: Vec<Resolved>,
    forgotten: u64,
}

struct Kept {
    handles: Recent<Blind, Uuid>,
    keys: Recent<Uuid, DataKey>,
    aliases: Recent<(Blind, Uuid), ()>,
}

impl Kept {
    fn empty() -> Self {
        Self {
            handles: Recent::new(KEPT),
            keys: Recent::new(KEPT),
            aliases: Recent::new(KEPT),
        }
    }
}

/// What is known of the names of one batch.
#[derive(Default)]
struct Known {
    handles: HashMap<Blind, Uuid>,
    keys: HashMap<Uuid, DataKey>,
    aliases: HashSet<(Blind, Uuid)>,
}

impl Keys {
    pub(crate) fn new(store: Arc<dyn KeyStore>, kek: Arc<Kek>, chance: Chance) -> Self {
        Self {
            store,
            kek,
            chance,
            kept: Mutex::new(Kept::empty()),
            turn: tokio::sync::Mutex::default(),
            forgotten: AtomicU64::new(0),
        }
    }

    /// Waits until nobody looks names up, and keeps everybody from it: who had found a handle that is then destroyed
    /// would file new names under it.
    pub(crate) async fn alone(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Forgets all handles and keys: some may have been destroyed.
    pub(crate) fn forget(&self) {
        *self.lock() = Kept::empty();
        self.forgotten.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether nothing was forgotten since this was found.
    pub(crate) fn still(&self, found: &Found) -> bool {
        found.forgotten == self.forgotten.load(Ordering::SeqCst)
    }

    /// The blind index of a name.
    pub(crate) fn blind(&self, kind: Kind, name: &[u8]) -> Blind {
        self.kek.blind(kind, name)
    }

    /// What the names of a batch stand for; new ones get handles and keys, which are durable when this returns.
    pub(crate) async fn resolve(&self, batch: &[Names]) -> Result<Found, Retry> {
        let _turn = self.turn.lock().await;
        let forgotten = self.forgotten.load(Ordering::SeqCst);
        for _ in 0..TRIES {
            let mut known = self.remember(batch);
            self.look_up(batch, &mut known).await?;
            let new = self.make(batch, &mut known);
            if new.is_empty() || self.store.add(&new).await? {
                self.keep(&known);
                let resolved = batch.iter().map(|names| resolved(names, &known));
                return Ok(Found {
                    resolved: resolved.collect::<Result<_, _>>()?,
                    forgotten,
                });
            }
        }
        Err(Retry::because(
            "another process gives handles to the same names",
        ))
    }

    /// What memory knows.
    fn remember(&self, batch: &[Names]) -> Known {
        let mut kept = self.lock();
        let mut known = Known::default();
        for (_, blind) in batch.iter().flat_map(handled) {
            if let Some(handle) = kept.handles.get(&blind) {
                known.handles.insert(blind, handle);
                if let Some(key) = kept.keys.get(&handle) {
                    known.keys.insert(handle, key);
                }
            }
        }
        for names in batch {
            let Some(check) = names
                .check
                .and_then(|check| known.handles.get(&check).copied())
            else {
                continue;
            };
            for (_, alias) in &names.aliases {
                if kept.aliases.get(&(*alias, check)).is_some() {
                    known.aliases.insert((*alias, check));
                }
            }
        }
        known
    }

    /// What the database knows beyond that.
    async fn look_up(&self, batch: &[Names], known: &mut Known) -> Result<(), Retry> {
        let unknown: HashSet<Blind> = batch
            .iter()
            .flat_map(handled)
            .map(|(_, blind)| blind)
            .filter(|blind| !known.handles.contains_key(blind))
            .collect();
        if !unknown.is_empty() {
            let unknown: Vec<Blind> = unknown.into_iter().collect();
            known.handles.extend(self.store.handles(&unknown).await?);
        }
        let clients = batch
            .iter()
            .filter_map(|names| known.handles.get(&names.client.1));
        let sealed: HashSet<Uuid> = clients
            .copied()
            .filter(|one| !known.keys.contains_key(one))
            .collect();
        if sealed.is_empty() {
            return Ok(());
        }
        let sealed: Vec<Uuid> = sealed.into_iter().collect();
        for wrapped in self.store.data_keys(&sealed).await? {
            let key = open_key(&self.kek, &wrapped)?;
            known.keys.insert(wrapped.subject, key);
        }
        Ok(())
    }

    /// Handles, keys and aliases for what nobody knows yet. A client whose key was destroyed gets a new one.
    fn make(&self, batch: &[Names], known: &mut Known) -> New {
        let mut new = New::default();
        for (kind, blind) in batch.iter().flat_map(handled) {
            let handle = *known.handles.entry(blind).or_insert_with(|| {
                let handle = self.handle();
                new.handles.push((blind, kind, handle));
                handle
            });
            if matches!(kind, Kind::Client | Kind::Service) && !known.keys.contains_key(&handle) {
                let key = DataKey::new(self.chance.bytes());
                new.keys.push(Wrapped {
                    subject: handle,
                    kek: self.kek.id().to_vec(),
                    sealed: self.kek.wrap(handle, &key, self.chance.bytes()),
                });
                known.keys.insert(handle, key);
            }
        }
        for names in batch {
            let Some(check) = names
                .check
                .and_then(|check| known.handles.get(&check).copied())
            else {
                continue;
            };
            for (kind, alias) in &names.aliases {
                if known.aliases.insert((*alias, check)) {
                    new.aliases.push((*alias, check, *kind));
                }
            }
        }
        // In the order of the database's indexes, which is otherwise that of chance: half the pages are touched twice.
        new.handles.sort_unstable_by_key(|(blind, ..)| *blind);
        new.keys.sort_unstable_by_key(|key| key.subject);
        new.aliases
            .sort_unstable_by_key(|(blind, check, _)| (*blind, *check));
        new
    }

    fn keep(&self, known: &Known) {
        let mut kept = self.lock();
        for (blind, handle) in &known.handles {
            kept.handles.put(*blind, *handle);
        }
        for (subject, key) in &known.keys {
            kept.keys.put(*subject, key.clone());
        }
        for alias in &known.aliases {
            kept.aliases.put(*alias, ());
        }
    }

    fn handle(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.chance.bytes()).into_uuid()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        // Only whole entries are put in, so what a panic left behind is still whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The names that have handles.
fn handled(names: &Names) -> impl Iterator<Item = (Kind, Blind)> + use<> {
    let check = names.check.map(|check| (Kind::Check, check));
    let account = names.account.map(|account| (Kind::Account, account));
    [Some(names.client), check, account].into_iter().flatten()
}

fn resolved(names: &Names, known: &Known) -> Result<Resolved, Retry> {
    let handle = |blind: Blind| known.handles.get(&blind).copied();
    let found = handle(names.client.1)
        .and_then(|subject| Some((subject, known.keys.get(&subject)?.clone())));
    let (subject, key) =
        found.ok_or_else(|| Retry::because("a name of the batch has no handle"))?;
    Ok(Resolved {
        subject,
        key,
        check: names.check.and_then(handle),
        account: names.account.and_then(handle),
    })
}
