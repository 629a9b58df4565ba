//! What one entry is to the reconciler: which callback's journey it belongs to, and what it adds.

use schemas::{AnyEvent, Audience, Id, NoticeOutcome, Position, Stage, Topic, header};
use serde::{Deserialize, Serialize};
use stage::Record;

use crate::body::{Opened, Said, topic_of};

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

/// What a record says, as far as it is reconciled. What is none does not stand in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Raw {
        replay: bool,
    },
    Checked {
        raw: Option<Position>,
    },
    Enriched {
        raw: Option<Position>,
    },
    Rejected {
        /// The callback, or else the record that was refused.
        of: Option<Position>,
        id: Option<String>,
        of_raw: bool,
    },
    Notified(Option<Told>),
    /// Nothing that is reconciled.
    Other,
}

/// What a notice says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    of: Position,
    event: String,
    audience: Audience,
    repeat: bool,
}

impl Seen {
    /// What the body of an entry says; nothing where its key is gone and the place does not say enough.
    pub(super) fn stored(topic: Topic, body: Option<&Opened>) -> Option<Self> {
        Some(match topic {
            Topic::Raw => Self::Raw {
                replay: body.is_some_and(|body| body.header(header::REPLAY_OF).is_some()),
            },
            Topic::Checked => Self::Checked {
                raw: body?.place("/raw"),
            },
            Topic::Enriched => Self::Enriched {
                raw: body?.place("/checked/raw"),
            },
            Topic::Rejected => Self::Rejected {
                of: body?.place("/raw").or_else(|| body?.place("/source")),
                id: body?.text("/id"),
                of_raw: body?.text("/stage").as_deref() != Some(Stage::Enrich.as_str()),
            },
            Topic::Notified => Self::Notified(Told::stored(body?)),
            Topic::Operated | Topic::Audited => Self::Other,
        })
    }

    /// The same of a record before it is put into a body.
    pub(super) fn said(record: &Record, said: &Said) -> Self {
        let event = match said {
            Said::Event(event) => Some(event.as_ref()),
            Said::Raw | Said::Unreadable(_) => None,
        };
        match (record.topic, event) {
            (Topic::Raw, _) => Self::Raw {
                replay: record.header(header::REPLAY_OF).is_some(),
            },
            (Topic::Checked, Some(AnyEvent::Checked(checked))) => Self::Checked {
                raw: Some(checked.raw().position()),
            },
            (Topic::Checked, _) => Self::Checked { raw: None },
            (Topic::Enriched, Some(AnyEvent::Enriched(enriched))) => Self::Enriched {
                raw: Some(enriched.checked().raw().position()),
            },
            (Topic::Enriched, _) => Self::Enriched { raw: None },
            (Topic::Rejected, Some(AnyEvent::Rejected(rejected))) => {
                let raw = rejected.raw().map(schemas::RawPointer::position);
                Self::Rejected {
                    of: raw.or_else(|| Some(rejected.source().clone())),
                    id: Some(rejected.id().to_string()),
                    of_raw: rejected.stage() != Stage::Enrich,
                }
            }
            (Topic::Rejected, _) => Self::Rejected {
                of: None,
                id: None,
                of_raw: true,
            },
            (Topic::Notified, Some(AnyEvent::Notified(notified))) => {
                let suppressed = notified.outcome() == NoticeOutcome::Suppressed;
                Self::Notified(Some(Told {
                    of: notified.source().clone(),
                    event: notified.event_id().to_owned(),
                    audience: notified.audience(),
                    repeat: suppressed && notified.reason() == Some(REPEAT),
                }))
            }
            (Topic::Notified, _) => Self::Notified(None),
            (Topic::Operated | Topic::Audited, _) => Self::Other,
        }
    }

    /// What that adds, from a record at this place; nothing where it belongs to no journey.
    pub(super) fn part(self, position: &Position, at: i64) -> Option<Part> {
        let place = position.to_string();
        let (under, piece) = match self {
            Self::Raw { replay } => (place.clone(), Piece::Raw { replay }),
            // `enrich` refuses one that it cannot read, by its own place.
            Self::Checked { raw } => {
                let under = raw.map_or_else(|| place.clone(), |raw| raw.to_string());
                (under, Piece::Checked)
            }
            Self::Enriched { raw: Some(raw) } => (raw.to_string(), Piece::End(End::Enriched)),
            Self::Rejected {
                of: Some(of),
                id: Some(id),
                of_raw,
            } => (of.to_string(), Piece::End(End::Refused { id, of_raw })),
            Self::Enriched { .. } | Self::Rejected { .. } => unreadable(&place),
            Self::Notified(told) => of_notice(told?, &place)?,
            Self::Other => return None,
        };
        Some(Part {
            under,
            place,
            at,
            piece,
        })
    }
}

impl Told {
    fn stored(body: &Opened) -> Option<Self> {
        let suppressed =
            body.text("/outcome").as_deref() == Some(NoticeOutcome::Suppressed.as_str());
        Some(Self {
            of: body.place("/source")?,
            event: body.text("/event_id")?,
            audience: Audience::from_word(&body.text("/audience")?),
            repeat: suppressed && body.text("/reason").as_deref() == Some(REPEAT),
        })
    }
}

/// What an entry adds; nothing where it belongs to no journey, or where its key is gone and it does not say.
pub(super) fn part(position: &Position, at: i64, body: Option<&Opened>) -> Option<Part> {
    Seen::stored(topic_of(&position.topic)?, body)?.part(position, at)
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

fn of_notice(told: Told, place: &str) -> Option<(String, Piece)> {
    let under = told.of.to_string();
    // Admins also hear of contradictions and of notices that could not be delivered: those end nothing.
    if told.audience == Audience::Admins
        && topic_of(&told.of.topic) == Some(Topic::Enriched)
        && told.event != unreadable_id(&under)
    {
        return None;
    }
    let notice = Notice {
        audience: told.audience,
        event: told.event,
        repeat: told.repeat,
        place: place.to_owned(),
    };
    Some((under, Piece::Notice(notice)))
}
