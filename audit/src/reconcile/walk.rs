//! Reading on: every entry once, in the order of the log, and what it closes or leaves open.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemas::{Position, Timestamp};
use serde::Deserialize;
use stage::Retry;

use super::{
    POINTERS, Reconciler, State, Violation,
    fresh::{Fresh, Slice},
    hours::{Hour, Range, hour_of},
    journey::{Fault, Journey},
    piece::{Part, Piece, part},
    tables::{Change, Row},
};
use crate::{
    body::{Opened, topic_of},
    keys,
    store::{OWN, Stored},
    tally,
};

/// Entries opened at once: with the longest callbacks that the door takes still some ten MB.
const CHUNK: i64 = 256;
/// Entries of one transaction, of which only the pieces are held: some twenty MB. A callback that begins and ends among them
/// is never written. At a steady rate most do; in a flood topics come one after the other, and most are written once or twice.
const TOGETHER: i64 = 256 * CHUNK;

/// The body of a `batch` entry, as far as it counts offsets; the reconciler's own has no ranges.
#[derive(Deserialize)]
struct Account {
    ranges: Vec<Range>,
}

/// What a chunk of entries changes.
#[derive(Default)]
pub(super) struct Desk {
    rows: HashMap<String, Row>,
    /// By the record that a journey ends with, the place that it stands under.
    ends: HashMap<String, String>,
    gone: BTreeSet<String>,
    pub(super) hours: BTreeMap<i64, Hour>,
    pub(super) found: Vec<Violation>,
}

impl Reconciler {
    /// Takes what was handed over, reads all other entries that it has not read, and gives how far it is.
    pub(crate) async fn walk(&self, fresh: &Fresh, now: Timestamp) -> Result<State, Retry> {
        let mut state = self.tables.state().await?;
        if state.ran_at == 0 {
            // A history that is new, or new to this, is told of once it had its time.
            state.ran_at = now.millis();
            self.change(&mut state, Desk::default()).await?;
        }
        let topics: HashMap<i32, String> = self.store.topics().await?.into_iter().collect();
        loop {
            let size = self.store.size().await?;
            if state.position >= size {
                return Ok(state);
            }
            let below = size.min(state.position + TOGETHER);
            let mut desk = Desk::default();
            let mut parts = Vec::new();
            while state.position < below {
                let read_to = match fresh.take(state.position) {
                    Ok(slice) => {
                        state.position = slice.entries.1;
                        count(slice, (&mut desk, &mut parts));
                        continue;
                    }
                    Err(read_to) => read_to.unwrap_or(below),
                };
                let next = below.min(state.position + CHUNK).min(read_to);
                let rows = self.store.between(state.position, next).await?;
                self.read(rows, &topics, (&mut desk, &mut parts)).await?;
                state.position = next;
            }
            self.place(parts, &mut desk).await?;
            for hour in desk.hours.values() {
                state.counted.sums.add(&hour.sums);
            }
            self.change(&mut state, desk).await?;
        }
    }

    /// Opens entries, counts them, and takes down what they add.
    async fn read(
        &self,
        rows: Vec<Stored>,
        topics: &HashMap<i32, String>,
        (desk, parts): (&mut Desk, &mut Vec<Part>),
    ) -> Result<(), Retry> {
        let opened = keys::open_bodies(self.keys.as_ref(), &self.kek, rows).await?;
        for (row, body) in &opened {
            let hour = desk.hours.entry(hour_of(row.at)).or_default();
            hour.entry(row.seq);
            let topic = topics.get(&row.topic).cloned().unwrap_or_default();
            let body = body.as_ref().map(keys::Body::bytes);
            if topic == OWN {
                let account = body.and_then(|body| serde_json::from_slice::<Account>(body).ok());
                for range in account.map(|account| account.ranges).unwrap_or_default() {
                    hour.range(range);
                }
                continue;
            }
            if topic_of(&topic) == Some(schemas::Topic::Raw) {
                hour.sums.accepted += 1;
            }
            let position = Position {
                topic,
                partition: row.source_partition,
                offset: row.source_offset,
            };
            let body = body.and_then(Opened::read);
            parts.extend(part(&position, row.at, body.as_ref()));
        }
        Ok(())
    }

    /// Adds pieces to their journeys.
    async fn place(&self, parts: Vec<Part>, desk: &mut Desk) -> Result<(), Retry> {
        let places = parts.iter().flat_map(|part| [&part.under, &part.place]);
        let places: BTreeSet<String> = places.cloned().collect();
        let places: Vec<String> = places.into_iter().collect();
        for (place, row) in self.tables.journeys(&places).await? {
            desk.put(place, row);
        }
        for part in parts {
            desk.take(part);
        }
        Ok(())
    }

    /// Commits a change, and tells what was found.
    pub(super) async fn change(&self, state: &mut State, desk: Desk) -> Result<(), Retry> {
        state.find(&desk.found);
        let found = desk.found.clone();
        if !self.tables.commit(state, &desk.into()).await? {
            return Err(Retry::because("another process reconciles this history"));
        }
        state.version += 1;
        for violation in &found {
            tally::violation(violation);
        }
        Ok(())
    }
}

/// Counts entries that were handed over, and takes down what they add.
fn count(slice: Slice, (desk, parts): (&mut Desk, &mut Vec<Part>)) {
    let hour = desk.hours.entry(hour_of(slice.at)).or_default();
    hour.entry(slice.entries.0);
    hour.entry(slice.entries.1 - 1);
    hour.sums.accepted += slice.accepted;
    for range in slice.ranges {
        hour.range(range);
    }
    parts.extend(slice.parts);
}

impl State {
    /// Notes faults; of many the first ones with their places.
    fn find(&mut self, found: &[Violation]) {
        let count = i64::try_from(found.len()).unwrap_or(i64::MAX);
        self.counted.faults += count;
        self.counted.found += count;
        let free = POINTERS.saturating_sub(self.counted.pointers.len());
        self.counted
            .pointers
            .extend(found.iter().take(free).cloned());
    }
}

impl Desk {
    pub(super) fn put(&mut self, place: String, row: Row) {
        if let Some(end) = row.journey.ends() {
            self.ends.insert(end.to_owned(), place.clone());
        }
        self.gone.remove(&place);
        self.rows.insert(place, row);
    }

    pub(super) fn close(&mut self, place: &str) {
        self.rows.remove(place);
        self.gone.insert(place.to_owned());
    }

    pub(super) fn find(&mut self, what: Fault, place: &str) {
        let place = place.to_owned();
        self.found.push(Violation { what, place });
    }

    fn take(&mut self, part: Part) {
        // A notice names the record that it tells of, whose journey may stand under another place.
        let under = match (&part.piece, self.ends.get(&part.under)) {
            (Piece::Notice(_), Some(root)) => root.clone(),
            _ => part.under.clone(),
        };
        let mut row = self.rows.remove(&under).unwrap_or(Row {
            since: part.at,
            hour: None,
            overdue: false,
            journey: Journey::default(),
        });
        if matches!(part.piece, Piece::Raw { .. }) {
            row.hour = Some(hour_of(part.at));
        }
        let (place, is_end) = (part.place.clone(), matches!(part.piece, Piece::End(_)));
        let fault = row.journey.take(part);
        if let Some(fault) = fault {
            self.find(fault, &place);
        } else if is_end && place != under {
            // What was told of it before it was seen waits under its own place.
            if let Some(early) = self.rows.remove(&place) {
                for doubled in row.journey.told_before(early.journey) {
                    self.find(Fault::TwoSuccessors, &doubled);
                }
                self.gone.insert(place);
            }
        }
        match row.journey.outcome(&under) {
            Some(outcome) => {
                if let Some(hour) = row.hour {
                    self.hours.entry(hour).or_default().sums.end(outcome);
                }
                if let Some(end) = row.journey.ends() {
                    self.ends.remove(end);
                }
                self.gone.insert(under);
            }
            None => self.put(under, row),
        }
    }
}

impl From<Desk> for Change {
    fn from(desk: Desk) -> Self {
        Self {
            put: desk.rows.into_iter().collect(),
            gone: desk.gone.into_iter().collect(),
            hours: desk.hours.into_iter().collect(),
        }
    }
}
