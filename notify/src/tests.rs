//! Stories, each told on SQLite and, where there is one, on PostgreSQL.

mod bench;
mod doubt;
pub(crate) mod events;
mod fakes;
mod keeping;
mod refusing;
mod sending;
mod smtp;
mod stopping;
mod whole;
mod world;
