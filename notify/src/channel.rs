//! How people are reached: one contract, and what each failure means for the notice.

use async_trait::async_trait;
use directory::Address;
use schemas::{Id, Timestamp};

use crate::{alert::Failing, template::Text};

pub(crate) mod discard;
pub(crate) mod maildir;
pub(crate) mod message;
pub(crate) mod smtp;

/// A notice on its way to one person or queue.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// The same for every try, so that a mail store can tell a repeat.
    pub(crate) id: Id,
    pub(crate) to: Address,
    pub(crate) text: Text,
    /// When it was decided, so that every try is the same message.
    pub(crate) at: Timestamp,
}

/// Why a letter was not taken. No variant holds what a server said, which may quote an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SendError {
    /// Not now; the same letter may be taken later. It may even have been taken.
    #[error("not now: {0}")]
    Later(String),
    /// Never: this letter, to this recipient.
    #[error("never: {why}")]
    Never {
        /// The code that `notified` gets.
        failing: Failing,
        /// For the log.
        why: String,
    },
    /// The channel itself is set up wrongly: no letter's fault, so none is given up for it.
    #[error("the channel is stopped: {0}")]
    Stopped(String),
}

/// A way to reach people.
///
/// **Repeats**: the same letter may be sent again after a crash; with the same id. **Time**: every call
/// ends within a bound of the channel's own. **Cancellation**: a call may be dropped at any point; the
/// letter may then have been taken or not, and the next call is not disturbed.
#[async_trait]
pub(crate) trait Channel: Send + Sync + std::fmt::Debug {
    /// Its name, part of every notice's id.
    fn name(&self) -> &'static str;

    /// Hands one letter over; gives the channel's own id of it.
    async fn send(&self, letter: &Letter) -> Result<Option<String>, SendError>;
}
