//! What must hold for any bytes that a stranger sends: called by the fuzz targets and by the replay of their corpus.
//!
//! Each function takes any bytes and fails only where a promise is broken.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use httparse::EMPTY_HEADER;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    runtime::{Builder, Runtime},
};

use crate::http::{
    chunked::{ChunkError, Chunked},
    connection::{Connection, Ended, Times},
    head::{self, MAX_FIELDS, Malformed},
};

mod clients;

pub use clients::{forwarded, proxy_header};

/// The body limit of the fuzzed connection: small, so that short inputs meet it.
const BODY_LIMIT: usize = 1_000;
/// Requests read off one input; more show nothing new.
const MAX_REQUESTS: usize = 50;
/// Nothing waits here: the end of the input is the end of the connection.
const NEVER: Duration = Duration::from_hours(1);

/// Where an input is cut into the pieces that arrive.
#[derive(Clone, Copy, Debug)]
enum Cuts {
    Whole,
    EachByte,
    /// By a sequence that the input itself determines, so that a failure repeats.
    Mixed(u32),
}

impl Cuts {
    fn all(bytes: &[u8]) -> [Self; 3] {
        let seed = bytes.iter().fold(2_166_136_261_u32, |hash, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(16_777_619)
        });
        [Self::Whole, Self::EachByte, Self::Mixed(seed)]
    }

    /// Bytes of the next piece.
    fn next(&mut self) -> usize {
        match self {
            Self::Whole => usize::MAX,
            Self::EachByte => 1,
            Self::Mixed(state) => {
                *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                1 + (*state >> 24) as usize % 40
            }
        }
    }
}

/// A sender: these bytes in these pieces, then the end. What is written to it is thrown away.
struct Sender<'a> {
    rest: &'a [u8],
    cuts: Cuts,
}

impl AsyncRead for Sender<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let piece = self.cuts.next().min(into.remaining()).min(self.rest.len());
        let (now, later) = self.rest.split_at(piece);
        into.put_slice(now);
        self.rest = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Sender<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A request as it was understood.
#[derive(Debug, PartialEq, Eq)]
struct Understood {
    method: String,
    target: String,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// Why nothing more was read.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Connection(Ended),
    Head(Malformed),
    /// The sender wished it, or the input holds more requests than are looked at.
    Enough,
}

thread_local! {
    static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) };
}

/// Raw requests: however the bytes are cut into pieces, the same requests with the same bodies come out, and the same
/// end or refusal.
pub fn request(bytes: &[u8]) {
    let [whole, others @ ..] = Cuts::all(bytes).map(|cuts| understand(bytes, cuts));
    for other in others {
        assert_eq!(
            whole, other,
            "the same bytes in other pieces are other requests"
        );
    }
}

fn understand(bytes: &[u8], cuts: Cuts) -> (Vec<Understood>, End) {
    RUNTIME.with_borrow_mut(|runtime| {
        let runtime = runtime.get_or_insert_with(|| {
            let built = Builder::new_current_thread().enable_time().build();
            built.expect("a runtime without I/O needs nothing of the system but a clock")
        });
        runtime.block_on(requests(bytes, cuts))
    })
}

async fn requests(bytes: &[u8], cuts: Cuts) -> (Vec<Understood>, End) {
    let times = Times {
        head: NEVER,
        idle: NEVER,
        body: NEVER,
        rate: 1,
        write: NEVER,
    };
    let mut connection = Connection::new(Sender { rest: bytes, cuts }, times);
    let mut understood = Vec::new();
    let end = loop {
        match one(&mut connection).await {
            Ok((request, last)) => {
                understood.push(request);
                if last || understood.len() == MAX_REQUESTS {
                    break End::Enough;
                }
            }
            Err(end) => break end,
        }
    };
    (understood, end)
}

/// Reads one request as the door does; whether it is the last.
async fn one(connection: &mut Connection<Sender<'_>>) -> Result<(Understood, bool), End> {
    connection.begun().await.map_err(End::Connection)?;
    let length = connection.head().await.map_err(End::Connection)?;
    let (mut understood, framing, last) = {
        let mut fields = [EMPTY_HEADER; MAX_FIELDS];
        let head = head::read(connection.head_bytes(length), &mut fields).map_err(End::Head)?;
        let fields = head.fields();
        let understood = Understood {
            method: head.method.to_owned(),
            target: head.target.to_owned(),
            fields: fields
                .map(|(name, value)| (name.to_owned(), value.to_vec()))
                .collect(),
            body: Vec::new(),
        };
        // Asked for by the door; must not panic whatever the target is.
        let _path = head.path();
        (understood, head.framing, head.last)
    };
    let body = connection.body(length, framing, BODY_LIMIT).await;
    let body = body.map_err(End::Connection)?;
    understood.body = connection.body_bytes(&body).to_vec();
    assert!(
        understood.body.len() <= BODY_LIMIT,
        "a body beyond its limit"
    );
    connection.done(&body);
    Ok((understood, last))
}

/// Chunked bodies: however the bytes are cut into pieces, it is the same body within its limit, or the same refusal.
pub fn chunked(bytes: &[u8]) {
    let [whole, others @ ..] = Cuts::all(bytes).map(|cuts| joined(bytes, cuts));
    for other in others {
        assert_eq!(
            whole, other,
            "the same bytes in other pieces are another body"
        );
    }
}

/// The body, whether it is whole and how many bytes belong to it.
fn joined(bytes: &[u8], mut cuts: Cuts) -> Result<(Vec<u8>, bool, usize), ChunkError> {
    let mut chunked = Chunked::new(BODY_LIMIT);
    let mut rest = bytes;
    while !rest.is_empty() && !chunked.is_done() {
        let (now, _) = rest.split_at(cuts.next().min(rest.len()));
        let used = chunked.read(now)?;
        rest = rest.split_at(used).1;
    }
    let done = chunked.is_done();
    let body = chunked.into_body();
    assert!(body.len() <= BODY_LIMIT, "a body beyond its limit");
    Ok((body, done, bytes.len() - rest.len()))
}

#[cfg(test)]
mod tests;
