#![doc = include_str!("../README.md")]

mod avro;
mod cloudevents;
mod event;
mod pointer;
mod reason;
mod scalar;
mod topic;
mod verdict;
mod word;

mod audited;
mod checked;
mod enriched;
mod notified;
mod operated;
mod raw;
mod rejected;

pub use audited::{Audited, Covered};
pub use avro::{Contract, DecodeError, frame, parse_schema, unframe};
pub use checked::{Checked, Facts, Finding};
pub use cloudevents::{CloudEvent, Headers, header};
pub use enriched::{CommissionOwner, Confirmation, Enriched, FoundBy, Party};
pub use event::{AnyEvent, Event};
pub use notified::{Audience, Delivery, Notice, NoticeOutcome, Notified};
pub use operated::Operated;
pub use pointer::{Position, RawPointer};
pub use raw::{Body, Raw, RawError, RawHeaders};
pub use reason::{ProbableCause, Refusal, Stage};
pub use rejected::Rejected;
pub use scalar::{Date, Id, Timestamp};
pub use topic::Topic;
pub use verdict::{FindingCode, Generation, Kind, Outcome};

/// Namespace of every `UUIDv5` that idtrail derives; fixed for ever, because a changed namespace would
/// make repeats look like news.
pub const NAMESPACE: uuid::Uuid = uuid::uuid!("5b1f4a2e-7c0d-5e3a-9a61-1d2c8f60e7b4");
