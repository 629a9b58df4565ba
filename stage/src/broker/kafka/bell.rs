//! A producer whose reports of delivery are served where its callers are, woken by the client itself.
//!
//! The client library serves reports on a thread of its own, from which each caller must then be woken in another one: a
//! switch of threads and a system call for each batch, a measured part of what a post costs. librdkafka can write
//! to a pipe instead whenever a report comes into an empty queue; only its C interface has that, so this module is the one
//! place that may use `unsafe`.
#![expect(
    unsafe_code,
    reason = "the client library has no safe way to be told that a report has come; each block has its proof"
)]

use std::{
    io,
    os::fd::{AsRawFd as _, OwnedFd},
    ptr::NonNull,
    sync::Arc,
    time::Duration,
};

use rdkafka::{
    bindings::{
        rd_kafka_queue_destroy, rd_kafka_queue_get_main, rd_kafka_queue_io_event_enable,
        rd_kafka_queue_length, rd_kafka_queue_t,
    },
    producer::{BaseProducer, Producer as _, ProducerContext},
};
use tokio::net::unix::pipe;

/// What the client writes.
const STROKE: [u8; 1] = [1];
/// Events served before others get the thread; each holds the reports of a batch.
const TURN: usize = 16;

/// The queue of a producer's events, which rings.
pub(super) struct Bell<C: ProducerContext + 'static> {
    queue: Queue,
    heard: pipe::Receiver,
    /// Where the client writes. Declared after the queue, which is told to write no more when it goes.
    _struck: OwnedFd,
    /// Declared last: a producer must outlive the queues that were had of it.
    producer: Arc<BaseProducer<C>>,
}

/// A reference to the main queue of a client that is alive.
struct Queue(NonNull<rd_kafka_queue_t>);

// SAFETY: librdkafka's queues may be used from any thread; each operation takes the queue's own lock.
unsafe impl Send for Queue {}
// SAFETY: as above; none of the operations here needs to be alone.
unsafe impl Sync for Queue {}

impl Queue {
    /// How many events wait.
    fn len(&self) -> usize {
        // SAFETY: the pointer is a reference of our own, given back only by `drop`.
        unsafe { rd_kafka_queue_length(self.0.as_ptr()) }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: the pointer is a reference of our own, used last here. The client is still alive (`Bell` holds it), and
        // from here on, under the queue's lock, it no longer knows the descriptor, which is closed after this.
        unsafe {
            rd_kafka_queue_io_event_enable(self.0.as_ptr(), -1, std::ptr::null(), 0);
            rd_kafka_queue_destroy(self.0.as_ptr());
        }
    }
}

impl<C: ProducerContext + 'static> Bell<C> {
    /// Has the queue of the producer ring. Must be called within a runtime, whose tasks may then serve it.
    pub(super) fn of(producer: Arc<BaseProducer<C>>) -> io::Result<Self> {
        let (struck, heard) = pipe::pipe()?;
        // The client's threads must never wait for who listens: the descriptor stays non-blocking, and one stroke that
        // does not fit in is one of thousands that nobody has heard yet.
        let struck = struck.into_nonblocking_fd()?;
        // SAFETY: the pointer is that of a client that `producer` keeps alive.
        let queue = unsafe { rd_kafka_queue_get_main(producer.client().native_ptr()) };
        let queue = Queue(NonNull::new(queue).ok_or_else(|| io::Error::other("no queue"))?);
        // SAFETY: the queue is a reference of our own; the client copies the payload, of the length that is said; the
        // descriptor is open until the queue has been told to forget it.
        unsafe {
            rd_kafka_queue_io_event_enable(
                queue.0.as_ptr(),
                struck.as_raw_fd(),
                STROKE.as_ptr().cast(),
                STROKE.len(),
            );
        }
        Ok(Self {
            queue,
            heard,
            _struck: struck,
            producer,
        })
    }

    /// Serves the producer's events for ever; ends only if the pipe fails.
    ///
    /// The client rings only when a report comes into an empty queue. So the queue is served until it is empty, and only
    /// then is the bell waited for: what comes in between has rung already.
    pub(super) async fn serve(self) -> io::Error {
        let mut strokes = [0; 64];
        loop {
            let mut served = 0;
            while self.queue.len() > 0 {
                self.producer.poll(Duration::ZERO);
                served += 1;
                if served % TURN == 0 {
                    tokio::task::yield_now().await;
                }
            }
            if let Err(error) = self.heard.readable().await {
                return error;
            }
            match self.heard.try_read(&mut strokes) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return error,
            }
        }
    }
}
