//! Who is told next: takes notices that are due, asks for addresses, sends, and records how it ended.
//!
//! The one place with an effect outside. An attempt is marked before it is made, so that a crash in
//! between is seen: such a notice is sent again with the same id, and counted.

use std::{sync::Arc, time::Duration};

use directory::Directory;
use stage::{Context, Retry, database::Lead, retry};

use crate::{
    bells::Bells, channel::Channel, plan::Telling, schedule::Schedule, sender::desk::Desk,
    store::Store,
};

mod desk;
mod record;

/// The sender's name among the stages of the process.
pub(crate) const NAME: &str = "notify-sender";
/// Letters on their way at once. Eight fell behind 200 letters a second on a local server, 24 kept up (`bench latency`);
/// a server that grants one client less refuses for a while, and the schedule tries again.
pub(crate) const CONCURRENT: usize = 24;
/// Notices taken at once: one question to the directory for all of them. More would make addresses older
/// before they are used, and a crash would count more as possibly sent.
const BATCH: usize = 128;
/// How long the end of a letter may wait for others to be recorded with it.
const GATHER: Duration = Duration::from_millis(50);
/// How often the outbox is looked at when nobody rings: retries that have become due, the leadership, windows.
const LOOK: Duration = Duration::from_secs(1);
/// How long a stop waits for letters on their way; what is not done by then is sent again after the start.
const DRAIN: Duration = Duration::from_secs(10);

/// What the sender works with.
#[derive(Clone)]
pub(crate) struct Sender {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) lead: Arc<Lead>,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) channel: Arc<dyn Channel>,
    pub(crate) telling: Arc<Telling>,
    pub(crate) schedule: Schedule,
    pub(crate) bells: Arc<Bells>,
}

/// Tells people until asked to stop.
pub(crate) async fn run(sender: &Sender, context: &Context) {
    let status = context.health.stage(NAME);
    while !context.stopper.is_stopping() {
        let note =
            |retry: &Retry, pause: Duration| status.retrying(retry, pause, context.clock.now());
        let begun = retry::until_done(&context.stopper, note, || begin(sender));
        let Some(begun) = begun.await else { break };
        if begun {
            status.running(context.clock.now());
            let mut desk = Desk::new(sender, context);
            desk.work().await;
            desk.close().await;
        } else {
            status.standby(context.clock.now());
            let _stopped = context
                .stopper
                .run_until_stopped(tokio::time::sleep(LOOK))
                .await;
        }
    }
    status.stopped(context.clock.now());
}

/// Whether this process leads; if so, what a crash cut off is free to be sent again.
async fn begin(sender: &Sender) -> Result<bool, Retry> {
    if !sender.lead.holds().await? {
        return Ok(false);
    }
    let cut_off = sender.store.recover().await?;
    if cut_off > 0 {
        metrics::counter!("idtrail_notifications_resent_total").increment(cut_off);
        tracing::warn!(
            notices = cut_off,
            "{cut_off} notices were on their way when the last sender ended: sent again with the same ids"
        );
    }
    Ok(true)
}
