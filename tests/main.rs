//! The world: stories through all services, on the embedded broker and on the real parts.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "runs print their seed and their tally"
)]

mod again;
mod beginnings;
mod crash;
mod described;
mod door;
mod endings;
mod evidence;
mod house;
mod interrupted;
mod poison;
mod privacy;
mod properties;
mod readers;
mod recompute;
mod sentences;
mod story;
mod threats;
mod tracing;
mod trying;
mod verdicts;
mod world;
