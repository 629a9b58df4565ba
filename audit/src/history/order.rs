//! The order of a check's steps, what the provider repeated, and what each step owes to the check that it belongs to.

use std::collections::{HashMap, HashSet};

use schemas::{Position, Topic};
use uuid::Uuid;

use super::{
    Check,
    step::{Read, Step},
};
use crate::batch::rank;

/// The check that these entries make.
pub(super) fn check(entries: &[Read], handle: Uuid) -> Check {
    let journeys = journeys(entries);
    let mut order = order(entries, &journeys);
    let repeats = repeats(entries, &journeys, &order);
    let mut steps: Vec<Step> = order
        .drain(..)
        .map(|at| Step {
            repeat: repeats.contains(&journeys[at]),
            ..entries[at].step()
        })
        .collect();
    let (provider, provider_reference) = named(&steps);
    for step in &mut steps {
        // A step belongs to its check, also where it does not name it: so a callback has the reference that was read
        // out of it.
        if step.provider_reference.is_none() && !is_sealed(entries, step.seq) {
            step.provider = provider.clone().or(step.provider.take());
            step.provider_reference.clone_from(&provider_reference);
        }
    }
    let mut accounts: Vec<_> = entries.iter().filter_map(Read::account).collect();
    accounts.sort();
    accounts.dedup();
    Check {
        provider,
        provider_reference,
        steps,
        handle,
        accounts,
    }
}

fn is_sealed(entries: &[Read], seq: i64) -> bool {
    entries
        .iter()
        .any(|entry| entry.seq == seq && entry.body.is_none())
}

/// The provider and the reference of a check: those of the first step that names both, else the provider alone.
fn named(steps: &[Step]) -> (Option<String>, Option<String>) {
    let naming = steps.iter().find(|step| step.provider_reference.is_some());
    let naming = naming.or_else(|| steps.iter().find(|step| step.provider.is_some()));
    naming.map_or((None, None), |step| {
        (step.provider.clone(), step.provider_reference.clone())
    })
}

/// For each entry, which callback's journey it is a part of: the raw record that it came from, else itself.
fn journeys(entries: &[Read]) -> Vec<Position> {
    let known: HashMap<&Position, Position> = entries
        .iter()
        .filter_map(|entry| Some((&entry.position, entry.raw()?)))
        .collect();
    let journey = |entry: &Read| {
        // An act is nobody's consequence: it stands where it was appended.
        if entry.topic() == Some(Topic::Operated) {
            return entry.position.clone();
        }
        let by_source = || {
            let source = entry.source()?;
            Some(known.get(&source).cloned().unwrap_or(source))
        };
        entry
            .raw()
            .or_else(by_source)
            .unwrap_or_else(|| entry.position.clone())
    };
    entries.iter().map(journey).collect()
}

/// The order: by index, but nothing before what it came from. The history reads each topic on its own, so that now and
/// then it meets an event before the callback that led to it.
fn order(entries: &[Read], journeys: &[Position]) -> Vec<usize> {
    let rank = |at: usize| entries[at].topic().map_or(u8::MAX, rank);
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|at| (rank(*at), entries[*at].seq));
    let mut newest: HashMap<&Position, i64> = HashMap::new();
    let mut place = vec![0; entries.len()];
    for at in &order {
        // What stands earlier in the flow came before; the latest of it is the earliest place for this one.
        let before = newest.entry(&journeys[*at]).or_insert(entries[*at].seq);
        *before = entries[*at].seq.max(*before);
        place[*at] = *before;
    }
    order.sort_by_key(|at| (place[*at], rank(*at), entries[*at].seq));
    order
}

/// A callback and what came of it, as far as it tells a repeat.
#[derive(Default)]
struct Journey<'a> {
    events: HashSet<String>,
    bytes: HashSet<&'a str>,
    is_replay: bool,
}

/// The journeys of what the provider sent again: an event that was there before; where nothing could be read, the same
/// bytes. What an operator sent again is none.
fn repeats(entries: &[Read], journeys: &[Position], order: &[usize]) -> HashSet<Position> {
    let mut known: HashMap<&Position, Journey<'_>> = HashMap::new();
    let mut begun: Vec<&Position> = Vec::new();
    for at in order {
        let journey = known.entry(&journeys[*at]).or_insert_with(|| {
            begun.push(&journeys[*at]);
            Journey::default()
        });
        journey.events.extend(entries[*at].event());
        journey.bytes.extend(entries[*at].bytes());
        journey.is_replay |= entries[*at].is_replay();
    }
    let mut events: HashSet<&String> = HashSet::new();
    let mut bytes: HashSet<&str> = HashSet::new();
    let mut repeats = HashSet::new();
    for position in begun {
        let Some(journey) = known.get(position) else {
            continue;
        };
        let seen = if journey.events.is_empty() {
            journey.bytes.iter().any(|one| bytes.contains(one))
        } else {
            journey.events.iter().any(|one| events.contains(one))
        };
        if seen && !journey.is_replay {
            repeats.insert(position.clone());
        }
        events.extend(&journey.events);
        bytes.extend(&journey.bytes);
    }
    repeats
}
