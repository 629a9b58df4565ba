//! Everything that belongs to some checks: what names them, and what that points to, until nothing is new.

use std::collections::{HashMap, HashSet};

use stage::Retry;
use uuid::Uuid;

use super::{Check, History, HistoryError, MAX_STEPS, order, step::Read};
use crate::{
    body::Opened,
    keys,
    seal::{Blind, Kind},
    store::{Place, Stored},
};

/// How often what was found leads to more: an act to its refusal to its callback to what that was a replay of. Beyond
/// it only replays of replays are cut off.
const ROUNDS: usize = 8;

/// What is known while gathering. Each handle and each place belongs to the check that it was first found for.
struct Found {
    groups: Vec<Vec<Read>>,
    handles: HashMap<Uuid, usize>,
    places: HashMap<Place, usize>,
    seen: HashSet<i64>,
    /// Handles and places that were not looked up yet.
    open_handles: Vec<Uuid>,
    open_places: Vec<Place>,
}

impl History {
    /// The checks of these handles, each with every step below an entry.
    pub(super) async fn gather(
        &self,
        checks: &[Uuid],
        below: i64,
    ) -> Result<Vec<Check>, HistoryError> {
        let topics = self.store.topics().await?;
        let names: HashMap<i32, String> = topics.iter().cloned().collect();
        let numbers: HashMap<String, i32> =
            topics.into_iter().map(|(id, name)| (name, id)).collect();
        let mut found = Found {
            groups: checks.iter().map(|_| Vec::new()).collect(),
            handles: checks
                .iter()
                .enumerate()
                .map(|(at, check)| (*check, at))
                .collect(),
            places: HashMap::new(),
            seen: HashSet::new(),
            open_handles: checks.to_vec(),
            open_places: Vec::new(),
        };
        for _ in 0..ROUNDS {
            let handles = std::mem::take(&mut found.open_handles);
            let places = std::mem::take(&mut found.open_places);
            if handles.is_empty() && places.is_empty() {
                break;
            }
            let limit = i64::try_from(MAX_STEPS).unwrap_or(i64::MAX) + 1;
            let mut rows = self.store.of_checks(&handles, below, limit).await?;
            rows.extend(self.store.at(&places, below).await?);
            if rows.len() + found.seen.len() > MAX_STEPS {
                return Err(HistoryError::TooLarge);
            }
            let entries = self.open_all(rows, &names).await?;
            let positions = found.take(entries, (&numbers, &self.kek));
            self.follow(&mut found, positions).await?;
        }
        Ok(found
            .groups
            .iter()
            .zip(checks)
            .map(|(entries, handle)| order::check(entries, *handle))
            .collect())
    }

    /// Looks up what is filed under the positions of what was found.
    async fn follow(&self, found: &mut Found, named: Vec<(Blind, usize)>) -> Result<(), Retry> {
        if named.is_empty() {
            return Ok(());
        }
        let blinds: Vec<Blind> = named.iter().map(|(blind, _)| *blind).collect();
        let owners: HashMap<Blind, usize> = named.into_iter().collect();
        for (blind, handle) in self.keys.handles(&blinds).await? {
            let Some(owner) = owners.get(&blind) else {
                continue;
            };
            if found.handles.insert(handle, *owner).is_none() {
                found.open_handles.push(handle);
            }
        }
        Ok(())
    }

    /// Opens entries; those whose keys are gone stay closed.
    pub(super) async fn open_all(
        &self,
        rows: Vec<Stored>,
        topics: &HashMap<i32, String>,
    ) -> Result<Vec<(Stored, Read)>, Retry> {
        let opened = keys::open_bodies(self.keys.as_ref(), &self.kek, rows).await?;
        let read = |(row, body): (Stored, Option<keys::Body>)| {
            let body = body.and_then(|body| {
                let read = Opened::read(body.bytes());
                if read.is_none() {
                    tracing::error!(seq = row.seq, "a body of the history is not in its form");
                }
                read
            });
            let read = Read {
                seq: row.seq,
                at: row.at,
                position: schemas::Position {
                    topic: topics.get(&row.topic).cloned().unwrap_or_default(),
                    partition: row.source_partition,
                    offset: row.source_offset,
                },
                leaf_hash: row.leaf_hash.clone(),
                body,
            };
            (row, read)
        };
        Ok(opened.into_iter().map(read).collect())
    }
}

impl Found {
    /// Files entries under their checks; gives the names to look up.
    fn take(
        &mut self,
        entries: Vec<(Stored, Read)>,
        (numbers, kek): (&HashMap<String, i32>, &crate::seal::Kek),
    ) -> Vec<(Blind, usize)> {
        let mut named = Vec::new();
        for (row, read) in entries {
            let place = (row.topic, row.source_partition, row.source_offset);
            let by_handle = row
                .check_handle
                .and_then(|handle| self.handles.get(&handle));
            let Some(owner) = by_handle.or_else(|| self.places.get(&place)).copied() else {
                continue;
            };
            if !self.seen.insert(row.seq) {
                continue;
            }
            self.places.insert(place, owner);
            for link in read.links() {
                let Some(topic) = numbers.get(&link.topic) else {
                    continue;
                };
                let place = (*topic, link.partition, link.offset);
                if let std::collections::hash_map::Entry::Vacant(vacant) = self.places.entry(place)
                {
                    vacant.insert(owner);
                    self.open_places.push(place);
                }
            }
            named.push((
                kek.blind(Kind::Check, read.position.to_string().as_bytes()),
                owner,
            ));
            self.groups[owner].push(read);
        }
        named
    }
}
