//! Who is rung when there is something to do, so that nobody has to look often.

use tokio::sync::Notify;

/// One bell for each loop that works on the outbox. A ring is kept until it is heard.
#[derive(Debug, Default)]
pub(crate) struct Bells {
    /// A notice waits to be told.
    pub(crate) sender: Notify,
    /// A notice has ended and waits to be published.
    pub(crate) relay: Notify,
}
