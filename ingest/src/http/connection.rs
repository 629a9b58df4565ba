//! One connection: heads and bodies come off it within limits of bytes and of time, answers go onto it.

use std::{io, time::Duration};

use bytes::{Buf as _, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::{Instant, timeout, timeout_at},
};

use super::{
    chunked::{ChunkError, Chunked},
    head::{self, Framing, Lines},
};

/// Bytes that the head of a request may take.
pub(crate) const MAX_HEAD: usize = 16 << 10;
/// Read at a time: a recorded callback with its head fits.
const PIECE: usize = 4 << 10;
/// A buffer that a large body has grown beyond this is given back.
const KEEP: usize = 16 << 10;
/// A body may be as slow as it likes for so long before its rate is judged: a TCP connection starts slowly.
const RATE_GRACE: Duration = Duration::from_secs(2);
/// After the last answer what still comes is read and thrown away, so that the answer is not lost in a reset.
const LINGER: Duration = Duration::from_millis(500);
/// So much of it at most: the largest body that is sent in spite of being refused.
const LINGER_BYTES: usize = 512 << 10;

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// From the first byte of a head to its last; and for a new connection, until its first byte.
    pub(crate) head: Duration,
    /// Between two requests.
    pub(crate) idle: Duration,
    /// For a body.
    pub(crate) body: Duration,
    /// Bytes a second that a body must come at, after a grace of two seconds.
    pub(crate) rate: u64,
    /// For an answer to be taken.
    pub(crate) write: Duration,
}

/// Why no further request comes off a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Between two requests, by the sender or for want of any.
    Idle,
    /// In the middle of a request.
    Cut,
    /// A head or a body took too long.
    TooSlow,
    /// A head has too many bytes.
    HeadTooLarge,
    /// A body has too many bytes.
    BodyTooLarge,
    /// Not in the form of HTTP.
    Malformed,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection<S> {
    stream: S,
    buffer: BytesMut,
    times: Times,
    fresh: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// A connection from which nothing was read yet.
    pub(crate) fn new(stream: S, times: Times) -> Self {
        Self {
            stream,
            buffer: BytesMut::with_capacity(PIECE),
            times,
            fresh: true,
        }
    }

    /// Waits for the first byte of a request. May be dropped and called again.
    pub(crate) async fn begun(&mut self) -> Result<(), Ended> {
        if !self.buffer.is_empty() {
            return Ok(());
        }
        let limit = if self.fresh {
            self.times.head
        } else {
            self.times.idle
        };
        match timeout(limit, self.fill(PIECE)).await {
            Ok(Ok(count)) if count > 0 => Ok(()),
            Ok(_) | Err(_) => Err(Ended::Idle),
        }
    }

    /// Reads a whole head; its bytes are then [`head_bytes`](Self::head_bytes).
    pub(crate) async fn head(&mut self) -> Result<usize, Ended> {
        // Most heads are there as a whole: the clock is asked only where something is missing.
        let mut deadline = None;
        let mut seen = 0;
        self.fresh = false;
        let mut skipped = false;
        loop {
            // One empty line before a request is no request (RFC 9112 §2.2), in however many pieces it comes.
            if !skipped && self.buffer.starts_with(b"\r\n") {
                self.buffer.advance(2);
                skipped = true;
                seen = 0;
            }
            // No further than a head may go, or what stands beyond it decides by how much has come at once.
            let within = self.buffer.get(..=MAX_HEAD).unwrap_or(&self.buffer);
            match head::lines(within, seen) {
                Lines::Whole(length) if length <= MAX_HEAD => return Ok(length),
                Lines::Bare => return Err(Ended::Malformed),
                Lines::More(to) if self.buffer.len() <= MAX_HEAD => seen = to,
                Lines::Whole(_) | Lines::More(_) => return Err(Ended::HeadTooLarge),
            }
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + self.times.head);
            self.more(PIECE, deadline).await?;
        }
    }

    /// The bytes of a head.
    pub(crate) fn head_bytes(&self, length: usize) -> &[u8] {
        self.buffer.get(..length).unwrap_or_default()
    }

    /// Reads the body after a head of `head` bytes, of at most `limit` bytes. [`done`](Self::done) lets go of both.
    pub(crate) async fn body(
        &mut self,
        head: usize,
        framing: Framing,
        limit: usize,
    ) -> Result<Body, Ended> {
        let mut begun = None;
        let mut started = || *begun.get_or_insert_with(Instant::now);
        match framing {
            Framing::Length(promised) => {
                // A stated length is judged before a byte is read.
                let length = usize::try_from(promised)
                    .ok()
                    .filter(|length| *length <= limit);
                let length = length.ok_or(Ended::BodyTooLarge)?;
                let whole = head + length;
                while self.buffer.len() < whole {
                    let missing = whole - self.buffer.len();
                    let received = self.buffer.len() - head.min(self.buffer.len());
                    self.more(missing.min(KEEP), self.body_deadline(started(), received))
                        .await?;
                }
                Ok(Body::InPlace { head, length })
            }
            Framing::Chunked => {
                self.buffer.advance(head);
                let mut chunked = Chunked::new(limit);
                let mut received = 0;
                loop {
                    let used = chunked.read(&self.buffer).map_err(|error| match error {
                        ChunkError::Malformed => Ended::Malformed,
                        ChunkError::TooLarge => Ended::BodyTooLarge,
                    })?;
                    self.buffer.advance(used);
                    received += used;
                    if chunked.is_done() {
                        return Ok(Body::Joined(chunked.into_body()));
                    }
                    self.more(PIECE, self.body_deadline(started(), received))
                        .await?;
                }
            }
        }
    }

    /// When so much of a body must be more: at the least rate, and never after the whole time.
    fn body_deadline(&self, started: Instant, received: usize) -> Instant {
        let earned = Duration::from_micros(
            (received as u64).saturating_mul(1_000_000) / self.times.rate.max(1),
        );
        started + self.times.body.min(RATE_GRACE.saturating_add(earned))
    }

    /// The bytes of a body.
    pub(crate) fn body_bytes<'a>(&'a self, body: &'a Body) -> &'a [u8] {
        match body {
            Body::InPlace { head, length } => {
                self.buffer.get(*head..head + length).unwrap_or_default()
            }
            Body::Joined(bytes) => bytes,
        }
    }

    /// Lets go of a request, so that the next one can be read.
    pub(crate) fn done(&mut self, body: &Body) {
        if let Body::InPlace { head, length } = body {
            self.buffer.advance((head + length).min(self.buffer.len()));
        }
        if self.buffer.is_empty() {
            if self.buffer.capacity() > KEEP {
                self.buffer = BytesMut::with_capacity(PIECE);
            } else {
                self.buffer.clear();
            }
        }
    }

    /// Writes an answer, and what a TLS layer may hold back of it, within the time for it.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        timeout(self.times.write, written).await?
    }

    /// Ends the connection so that the last answer arrives.
    pub(crate) async fn close(mut self) {
        let ending = async {
            self.stream.shutdown().await?;
            let mut left = LINGER_BYTES;
            while left > 0 {
                self.buffer.clear();
                match self.fill(PIECE).await? {
                    0 => break,
                    count => left = left.saturating_sub(count),
                }
            }
            io::Result::Ok(())
        };
        // Whoever does not end by then is cut off.
        let _ended = timeout(LINGER, ending).await;
    }

    async fn more(&mut self, piece: usize, deadline: Instant) -> Result<(), Ended> {
        match timeout_at(deadline, self.fill(piece)).await {
            Ok(Ok(0) | Err(_)) => Err(Ended::Cut),
            Ok(Ok(_)) => Ok(()),
            Err(_) => Err(Ended::TooSlow),
        }
    }

    async fn fill(&mut self, piece: usize) -> io::Result<usize> {
        self.buffer.reserve(piece);
        self.stream.read_buf(&mut self.buffer).await
    }
}

/// A body that was read.
#[derive(Debug)]
pub(crate) enum Body {
    /// It stands in the connection's buffer, behind its head.
    InPlace {
        /// Bytes of the head.
        head: usize,
        /// Bytes of the body.
        length: usize,
    },
    /// It was joined from chunks; the head is gone.
    Joined(Vec<u8>),
}
