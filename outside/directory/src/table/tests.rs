//! Stories, each told on both databases, and on each of them with the table kept in memory and asked by key.

mod cost;
mod finding;
mod importing;
mod opening;
mod reaching;
mod world;

use world::{World, asked, each, import_of, settings};
