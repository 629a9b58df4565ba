//! Strangers: told so without a byte read, but for the few whose post is looked at for the drift watch.

use std::net::IpAddr;

use httparse::EMPTY_HEADER;
use schemas::Topic;
use stage::Codec;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Door, SOURCE};
use crate::{
    http::{
        connection::Connection,
        head::{self, Framing, MAX_FIELDS},
    },
    providers::Provider,
    sources::Alert,
};

/// Bytes of a stranger's body that are read at most, only to judge its form.
const JUDGED_BYTES: usize = 64 << 10;

impl Door {
    /// Whether a stranger's post may be looked at now: one a second, over all of them.
    pub(super) fn may_consider(&self) -> bool {
        let now = self.context.clock.now();
        self.drift
            .lock()
            .is_ok_and(|mut drift| drift.may_judge(now))
    }

    /// Reads what a stranger posts, if it may be looked at now, only to see whether it looks like the provider's: then
    /// the provider has perhaps new addresses, and is about to be locked out. Nothing of it is kept.
    pub(super) async fn consider<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        connection: &mut Connection<S>,
        length: usize,
        stranger: IpAddr,
    ) {
        if self.may_consider() {
            self.look_at(connection, length, stranger).await;
        }
    }

    /// The same for a stranger of whom nothing was read yet, and who may be looked at.
    pub(super) async fn look_at_all_of<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        connection: &mut Connection<S>,
        stranger: IpAddr,
    ) {
        if let Ok(length) = connection.head().await {
            self.look_at(connection, length, stranger).await;
        }
    }

    async fn look_at<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        connection: &mut Connection<S>,
        length: usize,
        stranger: IpAddr,
    ) {
        let Some((provider, media, framing)) = self.form_of(connection.head_bytes(length)) else {
            return;
        };
        let Ok(body) = connection.body(length, framing, JUDGED_BYTES).await else {
            return;
        };
        if (provider.identify)(media, connection.body_bytes(&body)).is_err() {
            return;
        }
        metrics::counter!("idtrail_ingest_strangers_well_formed_total").increment(1);
        let now = self.context.clock.now();
        let alert = match self.drift.lock() {
            Ok(mut drift) => drift.well_formed(stranger, now),
            Err(_) => None,
        };
        if let Some(alert) = alert {
            self.tell_of(alert).await;
        }
    }

    /// Provider, media type and framing, where the head is one that a listed peer might send.
    fn form_of(&self, bytes: &[u8]) -> Option<(&'static Provider, &'static str, Framing)> {
        let mut fields = [EMPTY_HEADER; MAX_FIELDS];
        let head = head::read(bytes, &mut fields).ok()?;
        let provider = self.route(&head, self.context.clock.now()).ok()?;
        let media = (provider.media)(head.field("content-type")?)?;
        Some((provider, media, head.framing))
    }

    /// An alert stands in the log, in the metrics, and among the acts that the history keeps.
    async fn tell_of(&self, alert: Alert) {
        alert.tell();
        let context = &self.context;
        let codec = Codec::new(context.broker.clone(), context.clock.clone(), SOURCE);
        let operated = alert.operated(context.clock.now());
        let kept = async {
            codec
                .prepare(&[Topic::Operated])
                .await
                .map_err(|retry| retry.to_string())?;
            let output = codec.encode(
                &operated,
                operated.target().unwrap_or_default().as_bytes(),
                None,
            );
            let appended = context.broker.append(output, self.config.deadline()).await;
            appended.map_err(|error| error.to_string())
        };
        match tokio::time::timeout(self.config.deadline() * 2, kept).await {
            Ok(Ok(_)) => {}
            Ok(Err(why)) => tracing::warn!("the alert could not be kept in the history: {why}"),
            Err(_) => tracing::warn!("the alert could not be kept in the history in time"),
        }
    }
}
