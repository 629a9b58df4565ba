//! What one entry is to the reconciler: which callback's journey it belongs to, and what it adds.

use schemas::{Audience, Id, NoticeOutcome, Position, Stage, Topic, header};
use serde::{Deserialize, Serialize};

use crate::body::{Opened, topic_of};

/// What `notify` says when the provider sent the same event again.
const REPEAT: &str = "repeat";

/// What an entry adds to a journey. Places are written as [`Position`] writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A callback; `replay` if an operator sent it again.
    Raw { replay: bool },
    /// It was understood.
    Checked,
    /// It came to this.
    End(End),
    /// Somebody was told, or it was decided not to tell.
    Notice(Notice),
}

/// What a journey came to before anybody is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum End {
    /// It has its party.
    Enriched,
    /// It was refused: under this id, and whether before it was understood.
    Refused { id: String, of_raw: bool },
    /// An event that this release cannot read; admins hear of it under this id.
    Unreadable { id: String },
}

/// One end of telling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notice {
    pub(super) audience: Audience,
    /// The event told of.
    pub(super) event: String,
    /// Whether it was not told because the provider had sent the event before.
    pub(super) repeat: bool,
    pub(super) place: String,
}

/// An entry, as far as it is reconciled: under which place its journey stands, or the record that it tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) under: String,
    pub(super) place: String,
    /// The time in its leaf, in milliseconds.
    pub(super) at: i64,
    pub(super) piece: Piece,
}

/// What an entry adds; nothing where it belongs to no journey, or where its key is gone and it does not say.
pub(super) fn part(position: &Position, at: i64, body: Option<&Opened>) -> Option<Part> {
    let place = position.to_string();
    let (under, piece) = match topic_of(&position.topic)? {
        Topic::Raw => {
            let replay = body.is_some_and(|body| body.header(header::REPLAY_OF).is_some());
            (place.clone(), Piece::Raw { replay })
        }
        Topic::Checked => of_checked(body?, &place),
        Topic::Enriched => of_enriched(body?, &place),
        Topic::Rejected => of_rejected(body?, &place),
        Topic::Notified => of_notified(body?, &place)?,
        Topic::Operated | Topic::Audited => return None,
    };
    Some(Part {
        under,
        place,
        at,
        piece,
    })
}

fn pointer(body: &Opened, pointer: &str) -> Option<String> {
    body.place(pointer).map(|place| place.to_string())
}

/// What cannot be read is a journey of its own: nobody knows which callback it came from.
fn unreadable(place: &str) -> (String, Piece) {
    let id = unreadable_id(place);
    (place.to_owned(), Piece::End(End::Unreadable { id }))
}

/// Under which id `notify` alerts of a record that it cannot read.
fn unreadable_id(place: &str) -> String {
    Id::derive(&["unreadable", place]).to_string()
}

fn of_checked(body: &Opened, place: &str) -> (String, Piece) {
    // `enrich` refuses one that it cannot read, by its own place.
    let under = pointer(body, "/raw").unwrap_or_else(|| place.to_owned());
    (under, Piece::Checked)
}

fn of_enriched(body: &Opened, place: &str) -> (String, Piece) {
    match pointer(body, "/checked/raw") {
        Some(raw) => (raw, Piece::End(End::Enriched)),
        None => unreadable(place),
    }
}

fn of_rejected(body: &Opened, place: &str) -> (String, Piece) {
    let raw = pointer(body, "/raw").or_else(|| pointer(body, "/source"));
    let (Some(under), Some(id)) = (raw, body.text("/id")) else {
        return unreadable(place);
    };
    let of_raw = body.text("/stage").as_deref() != Some(Stage::Enrich.as_str());
    (under, Piece::End(End::Refused { id, of_raw }))
}

fn of_notified(body: &Opened, place: &str) -> Option<(String, Piece)> {
    let under = pointer(body, "/source")?;
    let event = body.text("/event_id")?;
    let audience = Audience::from_word(&body.text("/audience")?);
    // Admins also hear of contradictions and of notices that could not be delivered: those end nothing.
    let of_enriched = body.place("/source")?;
    if audience == Audience::Admins
        && topic_of(&of_enriched.topic) == Some(Topic::Enriched)
        && event != unreadable_id(&under)
    {
        return None;
    }
    let suppressed = body.text("/outcome").as_deref() == Some(NoticeOutcome::Suppressed.as_str());
    let repeat = suppressed && body.text("/reason").as_deref() == Some(REPEAT);
    let notice = Notice {
        audience,
        event,
        repeat,
        place: place.to_owned(),
    };
    Some((under, Piece::Notice(notice)))
}
