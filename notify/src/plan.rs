//! What a batch, or the end of a sending, leads to: notices that wait, notices that have ended, alert windows.
//!
//! A plan has no effect by itself; the store keeps all of it in one transaction.

use std::time::Duration;

use schemas::{Audience, Delivery, NoticeOutcome, Timestamp};
use stage::Retry;

use crate::{
    alert::{AdminView, Failing, Trouble},
    decide::Why,
    draft::{Draft, Origin, Publication, Who},
    store::Work,
    template::Template,
    view::View,
    windows::{Raised, Windows},
};

/// How this process tells.
#[derive(Clone, Debug)]
pub(crate) struct Telling {
    /// The channel's name.
    pub(crate) channel: &'static str,
    /// Whether a notice ends with the decision, since nothing outside has to happen for it.
    pub(crate) ends_at_once: bool,
    /// Who hears of troubles.
    pub(crate) admins: String,
    /// See [`Windows`].
    pub(crate) window: Duration,
    /// How long after the decision the first try is due.
    pub(crate) first_pause: Duration,
}

/// How a notice was given up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) failing: Failing,
    pub(crate) attempts: i32,
    pub(crate) at: Timestamp,
}

/// What is to be stored.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    telling: &'a Telling,
    pub(crate) windows: Windows,
    pub(crate) waiting: Vec<Draft>,
    pub(crate) ended: Vec<Publication>,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(telling: &'a Telling, windows: Windows) -> Self {
        Self {
            telling,
            windows,
            waiting: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// A notice is to be told.
    pub(crate) fn tell(&mut self, draft: Draft) {
        if self.telling.ends_at_once {
            let at = draft.origin.decided_at;
            self.sent(&draft, (1, None), at);
        } else {
            self.waiting.push(draft);
        }
    }

    /// A notice was taken by the channel: after how many tries, and under which id.
    pub(crate) fn sent(
        &mut self,
        draft: &Draft,
        (attempts, provider_message_id): (i32, Option<String>),
        at: Timestamp,
    ) {
        let delivery = Delivery {
            outcome: NoticeOutcome::Sent,
            reason: None,
            attempts,
            provider_message_id,
            at,
        };
        self.ended.push(draft.ended(self.telling.channel, delivery));
    }

    /// A notice is told to nobody.
    pub(crate) fn suppress(&mut self, who: &Who, why: Why, origin: &Origin) {
        let channel = self.telling.channel;
        self.ended
            .push(Publication::suppressed(who, channel, why, origin));
    }

    /// A notice is given up. Admins hear of it, unless they are the ones who could not be told:
    /// that shows in the log and in a metric, and leads to no further alert.
    pub(crate) fn fail(&mut self, who: &Who, template: Template, end: End, origin: &Origin) {
        let delivery = Delivery {
            outcome: NoticeOutcome::Failed,
            reason: Some(end.failing.as_str().to_owned()),
            attempts: end.attempts,
            provider_message_id: None,
            at: end.at,
        };
        let channel = self.telling.channel;
        self.ended
            .push(Publication::of(who, channel, template, delivery, origin));
        if who.audience != Audience::Admins {
            let trouble = Trouble::Undeliverable {
                audience: who.audience,
                reason: end.failing,
            };
            let mut origin = origin.clone();
            origin.decided_at = end.at;
            self.alert(who.notice(channel).id().to_string(), trouble, origin);
        }
    }

    /// Admins are to hear of a trouble, or it is counted.
    pub(crate) fn alert(&mut self, event_id: String, trouble: Trouble, mut origin: Origin) {
        // An alert has no time from the door that would mean anything.
        origin.received_at = None;
        let kind = trouble.kind();
        let draft = Draft {
            who: Who {
                event_id,
                audience: Audience::Admins,
                recipient: self.telling.admins.clone(),
            },
            view: View::Admins(AdminView::of(trouble, &origin.source)),
            origin,
        };
        match self.windows.raise(kind, &draft, self.telling.window) {
            Raised::First { count } => {
                if let Some(count) = count {
                    self.tell(*count);
                }
                self.tell(draft);
            }
            Raised::Counted => self.suppress(&draft.who, Why::Counted, &draft.origin),
        }
    }

    /// Puts it all into a transaction.
    pub(crate) async fn store(&self, work: &mut dyn Work, now: Timestamp) -> Result<(), Retry> {
        if !self.waiting.is_empty() {
            let due_at = now.plus(self.telling.first_pause);
            work.queue(&self.waiting, due_at).await?;
        }
        work.open_windows(&self.windows.changed()).await?;
        if !self.ended.is_empty() {
            work.publish(&self.ended).await?;
        }
        Ok(())
    }
}
