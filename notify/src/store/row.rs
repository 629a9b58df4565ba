//! Rows of both databases, and what they come to.

use schemas::{Timestamp, Topic};
use stage::Retry;

use super::Offset;
use crate::{
    decide::Told,
    draft::{Draft, Publication, Waiting},
    windows::Window,
};

pub(super) type OffsetRow = (String, i32, i64);
/// Name, rank, outcome, events.
pub(super) type ToldRow = (String, i32, String, Vec<u8>);
/// Number, record key, draft, attempts.
pub(super) type WaitingRow = (i64, Vec<u8>, String, i32);
/// Number, record key, traceparent, event.
pub(super) type PublicationRow = (i64, Vec<u8>, Option<String>, String);
/// Kind, start, end, count, record key, first alert.
pub(super) type WindowRow = (String, i64, i64, i64, Vec<u8>, String);

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that `map_err` wants"
)]
pub(super) fn unready(error: sqlx::Error) -> Retry {
    Retry::because(format!("the database is not available: {error}"))
}

/// A row that this release cannot read stops the work and shows as an alarm: skipping it would be silence.
fn foreign(what: &str) -> Retry {
    Retry::because(format!(
        "the database of notify holds a {what} that this release cannot read; run the release that wrote it"
    ))
}

pub(super) fn offset((topic, partition, next): OffsetRow) -> Result<Offset, Retry> {
    let topic = Topic::from_word(&topic).ok_or_else(|| foreign("topic"))?;
    Ok((topic, partition, next))
}

pub(super) fn told((name, rank, outcome, events): ToldRow) -> (String, Told) {
    (name, Told::of_stored(rank, &outcome, &events))
}

pub(super) fn waiting((number, key, draft, attempts): WaitingRow) -> Result<Waiting, Retry> {
    Ok(Waiting {
        number,
        draft: parse_draft(&draft, key)?,
        attempts,
    })
}

pub(super) fn publication(row: PublicationRow) -> Result<(i64, Publication), Retry> {
    let (number, key, traceparent, event) = row;
    let publication = Publication {
        key,
        traceparent,
        event: serde_json::from_str(&event).map_err(|_| foreign("publication"))?,
        received_at: None,
    };
    Ok((number, publication))
}

pub(super) fn window(row: WindowRow) -> Result<Window, Retry> {
    let (kind, started_at, ends_at, counted, key, first) = row;
    Ok(Window {
        kind,
        started_at: Timestamp::from_micros(started_at),
        ends_at: Timestamp::from_micros(ends_at),
        counted,
        first: parse_draft(&first, key)?,
    })
}

fn parse_draft(text: &str, key: Vec<u8>) -> Result<Draft, Retry> {
    let mut draft: Draft = serde_json::from_str(text).map_err(|_| foreign("notice"))?;
    draft.origin.key = key;
    Ok(draft)
}

/// The JSON of a value whose type always has one.
pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("no map with keys that are not text, no failing serializer")
}
