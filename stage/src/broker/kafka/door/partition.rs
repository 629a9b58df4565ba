//! One partition's records on their way: which wait, which are out, and what an answer means for them.
//!
//! A batch that is out has a number, and until somebody knows what became of it nothing else may have that number: the
//! broker would take other records for a repeat of the first, and acknowledge what it never wrote. So a batch is
//! repeated unchanged, or given up together with the identity under which it was numbered (KIP-98, KIP-360). Whoever
//! counts from 0 again does so under an identity that the partition never had: each that is given up is told, and
//! numbers nothing new.

use std::{collections::VecDeque, time::Duration};

use bytes::BytesMut;
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::Instant,
};

use super::{
    super::BrokerError,
    batch::{self, Identity},
};
use crate::Output;

/// How long a batch is repeated. Above what a post waits (2 s unless set otherwise); not far above, because what nobody
/// waits for any more only delays what comes after it.
pub(super) const TRYING: Duration = Duration::from_secs(3);
/// The largest batch of several records: what the topics are made to take (`MAX_MESSAGE_BYTES`) with room to spare.
const FULL: usize = 1_000_000;

/// The partition and the offset of a record, or why it has none for certain.
pub(super) type Delivered = Result<(i32, i64), BrokerError>;

/// A record, and who waits for it.
pub(super) struct Post {
    pub(super) output: Output,
    /// When it was handed over, in milliseconds since 1970.
    pub(super) millis: i64,
    pub(super) caller: oneshot::Sender<Delivered>,
    /// Its share of what may wait; given back when the post is.
    pub(super) _room: OwnedSemaphorePermit,
}

impl Post {
    pub(super) fn is_left(&self) -> bool {
        self.caller.is_closed()
    }

    pub(super) fn answer(self, delivered: Delivered) {
        let _caller_left = self.caller.send(delivered);
    }
}

/// Records under one number: however often they are encoded, the bytes are the same.
pub(super) struct Sealed {
    posts: Vec<Post>,
    numbering: Numbering,
    since: Instant,
}

impl Sealed {
    pub(super) fn encode(&self, into: &mut BytesMut) {
        let records = self.posts.iter().map(|post| (&post.output, post.millis));
        batch::encode(into, records, self.numbering.identity, self.numbering.next);
    }
}

/// What is known of the last batch.
enum Out {
    /// There is none, or what became of it is known.
    Nothing,
    /// It was sent, or not, and must be sent again.
    Waiting(Sealed),
    /// The request of this number has it.
    Flying(Sealed, u64),
}

/// Numbers go up from 0 under each identity.
#[derive(Clone, Copy)]
struct Numbering {
    identity: Identity,
    next: i32,
}

/// A partition of a topic.
pub(super) struct Partition {
    index: i32,
    /// The broker that takes records for it; none while one is elected.
    pub(super) leader: Option<i32>,
    waiting: VecDeque<Post>,
    out: Out,
    numbering: Option<Numbering>,
    /// So many records go alone: together they were too large.
    alone: usize,
}

impl Partition {
    pub(super) fn new(index: i32) -> Self {
        Self {
            index,
            leader: None,
            waiting: VecDeque::new(),
            out: Out::Nothing,
            numbering: None,
            alone: 0,
        }
    }

    pub(super) fn push(&mut self, post: Post) {
        self.waiting.push_back(post);
    }

    /// Whether anything waits that no connection has.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.out, Out::Waiting(_))
            || (matches!(self.out, Out::Nothing) && !self.waiting.is_empty())
    }

    /// Whether what waits cannot be numbered.
    pub(super) fn needs_identity(&self) -> bool {
        self.numbering.is_none() && !self.waiting.is_empty()
    }

    /// The batch to be sent now, with the request of this number; none if there is nothing, if one is under way, or if
    /// there is no identity to number it under.
    pub(super) fn take(
        &mut self,
        request: u64,
        identity: Option<Identity>,
        now: Instant,
    ) -> Option<&Sealed> {
        if matches!(self.out, Out::Flying(..)) {
            return None;
        }
        let sealed = match self.landed() {
            Some(sealed) => sealed,
            None => self.seal(identity, now)?,
        };
        self.out = Out::Flying(sealed, request);
        match &self.out {
            Out::Flying(sealed, _) => Some(sealed),
            Out::Nothing | Out::Waiting(_) => None,
        }
    }

    /// Whether the request of this number has the batch: only its answer speaks of it.
    pub(super) fn is_carried_by(&self, request: u64) -> bool {
        matches!(self.out, Out::Flying(_, carrier) if carrier == request)
    }

    fn seal(&mut self, identity: Option<Identity>, now: Instant) -> Option<Sealed> {
        let first = |identity| Numbering { identity, next: 0 };
        let numbering = self.numbering.or(identity.map(first))?;
        let mut posts = Vec::with_capacity(self.waiting.len());
        let mut bytes = 0;
        while let Some(post) = self.waiting.front() {
            let weight = batch::weight(&post.output);
            let full = bytes + weight > FULL || self.alone > 0;
            if full && !posts.is_empty() {
                break;
            }
            let Some(post) = self.waiting.pop_front() else {
                break;
            };
            // Whoever has left was told that it is not durable: now it is certain not to be.
            if !post.is_left() {
                bytes += weight;
                posts.push(post);
            }
        }
        if posts.is_empty() {
            return None;
        }
        self.alone = self.alone.saturating_sub(posts.len());
        self.numbering = Some(numbering);
        Some(Sealed {
            posts,
            numbering,
            since: now,
        })
    }

    /// The batch is on every in-sync replica, its first record at this offset.
    pub(super) fn written(&mut self, offset: i64) {
        let Some(sealed) = self.landed() else { return };
        let count = i32::try_from(sealed.posts.len()).unwrap_or(i32::MAX);
        if let Some(numbering) = &mut self.numbering {
            // After the largest number comes 0 (KIP-98).
            numbering.next = numbering.next.wrapping_add(count) & i32::MAX;
        }
        for (post, offset) in sealed.posts.into_iter().zip(offset..) {
            post.answer(Ok((self.index, offset)));
        }
    }

    /// Nobody knows what became of the batch, or it was not the moment for it: it is to be sent again, unchanged.
    pub(super) fn again(&mut self) {
        if let Some(sealed) = self.landed() {
            self.out = Out::Waiting(sealed);
        }
    }

    /// The batch is too large, and one by one it is known which record is. An earlier try may have been written while the
    /// topic took more, so its identity is given up, too.
    pub(super) fn too_large(&mut self) -> Option<Identity> {
        let mut sealed = self.landed()?;
        if sealed.posts.len() > 1 {
            self.alone = sealed.posts.len();
            for post in sealed.posts.into_iter().rev() {
                self.waiting.push_front(post);
            }
        } else if let Some(post) = sealed.posts.pop() {
            let bytes = post.output.bytes();
            post.answer(Err(BrokerError::TooLarge(bytes)));
        }
        self.give_up()
    }

    /// The batch is given up, and with it the identity under which it was numbered, which is told.
    pub(super) fn refused(&mut self, why: &BrokerError) -> Option<Identity> {
        let sealed = self.landed()?;
        for post in sealed.posts {
            post.answer(Err(why.clone()));
        }
        self.give_up()
    }

    fn give_up(&mut self) -> Option<Identity> {
        self.numbering.take().map(|numbering| numbering.identity)
    }

    /// The partition is no more. Nobody knows what becomes of what a request has.
    pub(super) fn end(mut self, why: &BrokerError) -> Option<Identity> {
        for post in self.waiting.drain(..) {
            post.answer(Err(why.clone()));
        }
        self.refused(why).or_else(|| self.give_up())
    }

    fn landed(&mut self) -> Option<Sealed> {
        match std::mem::replace(&mut self.out, Out::Nothing) {
            Out::Nothing => None,
            Out::Waiting(sealed) | Out::Flying(sealed, _) => Some(sealed),
        }
    }

    /// Lets go of what nobody waits for any more; the identity of a batch that was given up is told.
    pub(super) fn tend(&mut self, now: Instant) -> Option<Identity> {
        self.waiting.retain(|post| !post.is_left());
        let Out::Waiting(sealed) = &self.out else {
            return None;
        };
        let over = now.saturating_duration_since(sealed.since) > TRYING;
        if !over && sealed.posts.iter().any(|post| !post.is_left()) {
            return None;
        }
        let tried = BrokerError::Unavailable("a record was not acknowledged in time".to_owned());
        self.refused(&tried)
    }

    /// Fails what waits; the identity of a batch that was given up is told. What a request has is left to its answer.
    pub(super) fn fail(&mut self, why: &BrokerError) -> Option<Identity> {
        for post in self.waiting.drain(..) {
            post.answer(Err(why.clone()));
        }
        match self.out {
            Out::Waiting(_) => self.refused(why),
            Out::Nothing | Out::Flying(..) => None,
        }
    }
}

#[cfg(test)]
mod tests;
