//! The way to one broker: a connection that has one request at a time.

use std::{io, sync::Arc};

use bytes::BytesMut;
use tokio::time::Instant;

use super::{
    partition::TRYING,
    produce::{Produce, Said},
    wire::{Connection, Host, Reach},
};

/// Space for requests that is kept; what 256 posts of the usual size take, and as it grows by doubling, twice that.
const KEPT_BYTES: usize = 2 << 20;

/// A broker that leads partitions.
pub(super) struct Lane {
    host: Host,
    idle: Option<Connection>,
    busy: bool,
    /// For the next request: it takes what the last one took.
    space: BytesMut,
    /// Whether the last request failed: only the first failure is told.
    failing: bool,
}

/// What comes back from a broker.
pub(super) struct Returned {
    connection: Connection,
    space: BytesMut,
    said: Said,
}

impl Lane {
    pub(super) fn new(host: Host) -> Self {
        Self {
            host,
            idle: None,
            space: BytesMut::new(),
            busy: false,
            failing: false,
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    /// The broker may have moved.
    pub(super) fn lead_to(&mut self, host: Host) {
        if self.host != host {
            self.host = host;
            self.idle = None;
        }
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    /// A request to that broker, empty.
    pub(super) fn begin(&mut self, client_id: &str) -> Produce {
        Produce::begin(std::mem::take(&mut self.space), client_id)
    }

    /// The request was not needed.
    pub(super) fn leave(&mut self, produce: Produce) {
        self.space = produce.end();
    }

    /// Carries a request there. The lane is busy until [`Lane::back`] is told what came of it.
    pub(super) fn carry(
        &mut self,
        reach: &Arc<Reach>,
        produce: Produce,
    ) -> impl Future<Output = io::Result<Returned>> + Send + 'static {
        self.busy = true;
        let (reach, host, frame) = (Arc::clone(reach), self.host.clone(), produce.end());
        let idle = self.idle.take();
        let idle = idle.filter(|connection| connection.is_fresh(Instant::now()));
        async move {
            let carried = tokio::time::timeout(TRYING, carry(&reach, &host, idle, frame));
            carried
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        }
    }

    /// The request has come to an end.
    pub(super) fn back(&mut self, returned: io::Result<Returned>) -> Option<Said> {
        self.busy = false;
        match returned {
            Ok(returned) => {
                if std::mem::take(&mut self.failing) {
                    tracing::info!(broker = %self.host, "the broker takes posts again");
                }
                self.idle = Some(returned.connection);
                if returned.space.capacity() <= KEPT_BYTES {
                    self.space = returned.space;
                }
                Some(returned.said)
            }
            Err(error) => {
                if std::mem::replace(&mut self.failing, true) {
                    tracing::debug!(broker = %self.host, %error, "posts did not reach the broker");
                } else {
                    tracing::warn!(broker = %self.host, %error, "posts did not reach the broker; they are sent again");
                }
                None
            }
        }
    }
}

async fn carry(
    reach: &Reach,
    host: &Host,
    idle: Option<Connection>,
    mut frame: BytesMut,
) -> io::Result<Returned> {
    let mut connection = match idle {
        Some(connection) => connection,
        None => Connection::open(reach, host).await?,
    };
    Ok(Returned {
        said: connection.send::<Produce>(&mut frame).await?,
        space: frame,
        connection,
    })
}
