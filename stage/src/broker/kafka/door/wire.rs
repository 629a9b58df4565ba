//! A connection to a broker: one request at a time, each with its answer.

use std::{io, ops::Range, sync::Arc, time::Duration};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};

use super::{
    super::security::{Security, Stream},
    code::Code,
    produce::Produce,
    spoken::{
        ApiVersions, Call, Heard as _, InitProducerId, Known, SaslAuthenticate, SaslHandshake,
        Spoken, Unread, metadata::Metadata, put_text,
    },
};
use crate::Chance;

/// `host:port` of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) port: u16,
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.name, self.port)
    }
}

/// How brokers are reached, and what we call ourselves there. Shared and not copied: it holds the password.
pub(super) struct Reach {
    pub(super) security: Security,
    pub(super) client_id: Arc<str>,
    /// For what a login must not be able to foresee.
    pub(super) chance: Chance,
}

/// The length of a request stands first, and does not count itself.
const LENGTH: usize = 4;
/// Where a request's number stands.
const NUMBER: Range<usize> = 8..12;
/// The largest answer that is read: one that tells of some ten thousand partitions.
const ANSWER_BYTES: usize = 4 << 20;
/// Brokers close what idles for ten minutes, and what lies between forgets it earlier, without a word.
const IDLE: Duration = Duration::from_mins(2);
/// Of the time that a login lasts, what is used of it.
const USED: f64 = 0.8;

/// A broker that speaks with us.
pub(super) struct Connection {
    stream: Stream,
    client_id: Arc<str>,
    number: i32,
    read: BytesMut,
    used: Instant,
    /// When the broker wants another login.
    ends: Option<Instant>,
}

impl Connection {
    /// Connects, makes it safe, asks what the broker speaks and logs in. The caller limits how long that may take.
    pub(super) async fn open(reach: &Reach, host: &Host) -> io::Result<Self> {
        let plain = TcpStream::connect((host.name.as_str(), host.port)).await?;
        plain.set_nodelay(true)?;
        let mut this = Self {
            stream: reach.security.secure(&host.name, plain).await?,
            client_id: reach.client_id.clone(),
            number: 0,
            read: BytesMut::new(),
            used: Instant::now(),
            ends: None,
        };
        this.agree().await?;
        this.log_in(reach).await?;
        Ok(this)
    }

    /// Whether a request may still be sent on it.
    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.used) < IDLE && self.ends.is_none_or(|ends| now < ends)
    }

    /// Sends a request and reads its answer. After an error, or dropped in between, the connection is of no use any more:
    /// the caller drops it.
    pub(super) async fn ask<S: Spoken>(&mut self, request: &S) -> io::Result<S::Answer> {
        let mut frame = BytesMut::new();
        begin::<S>(&mut frame, &self.client_id);
        request.write(&mut frame);
        self.send::<S>(&mut frame).await
    }

    /// The same with a request that is written already, behind what [`begin`] has written.
    pub(super) async fn send<C: Call>(&mut self, frame: &mut BytesMut) -> io::Result<C::Answer> {
        self.number = self.number.wrapping_add(1);
        let length = i32::try_from(frame.len() - LENGTH).map_err(invalid)?;
        frame[..LENGTH].copy_from_slice(&length.to_be_bytes());
        frame[NUMBER].copy_from_slice(&self.number.to_be_bytes());
        self.stream.write_all(frame).await?;
        self.stream.flush().await?;
        let mut answer = Unread(self.answer().await?);
        if answer.i32().map_err(invalid)? != self.number {
            return Err(invalid("an answer to another request"));
        }
        self.used = Instant::now();
        C::Answer::read(&mut answer).map_err(invalid)
    }

    async fn answer(&mut self) -> io::Result<Bytes> {
        self.fill(4).await?;
        let length = usize::try_from(self.read.get_i32()).map_err(invalid)?;
        if length > ANSWER_BYTES {
            return Err(invalid("an answer that is too large"));
        }
        self.fill(length).await?;
        Ok(self.read.split_to(length).freeze())
    }

    async fn fill(&mut self, bytes: usize) -> io::Result<()> {
        while self.read.len() < bytes {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    async fn agree(&mut self) -> io::Result<()> {
        let known = self.ask(&ApiVersions).await?;
        Code::check(known.code).map_err(io::Error::other)?;
        speaks::<Produce>(&known)?;
        speaks::<Metadata<'_>>(&known)?;
        speaks::<InitProducerId>(&known)
    }

    async fn log_in(&mut self, reach: &Reach) -> io::Result<()> {
        let Some(login) = reach.security.login() else {
            return Ok(());
        };
        let shaken = self.ask(&SaslHandshake(login.mechanism())).await?;
        Code::check(shaken.code).map_err(io::Error::other)?;
        let mut exchange = login.begin(&hex::encode(reach.chance.bytes::<18>()));
        let mut said = Some(exchange.first());
        while let Some(message) = said {
            let answer = self.ask(&SaslAuthenticate(message)).await?;
            Code::check(answer.code).map_err(io::Error::other)?;
            if let Ok(lasts @ 1..) = u64::try_from(answer.lasts) {
                self.ends = Some(Instant::now() + Duration::from_millis(lasts).mul_f64(USED));
            }
            let refused = |why| io::Error::new(io::ErrorKind::PermissionDenied, why);
            said = exchange.answer(&answer.said).map_err(refused)?;
        }
        Ok(())
    }
}

/// What stands before every request, in a space whose content goes; length and number are written when it is sent.
pub(super) fn begin<C: Call>(space: &mut BytesMut, client_id: &str) {
    space.clear();
    space.put_i32(0);
    space.put_i16(C::KEY);
    space.put_i16(C::VERSION);
    space.put_i32(0);
    put_text(space, client_id);
}

/// Whether the broker knows a request in the version in which we send it.
fn speaks<C: Call>(known: &Known) -> io::Result<()> {
    let mut versions = known.versions.iter();
    if versions.any(|(key, first, last)| *key == C::KEY && (*first..=*last).contains(&C::VERSION)) {
        return Ok(());
    }
    let (version, name) = (C::VERSION, C::NAME);
    let why = format!("the broker does not know version {version} of {name}");
    Err(io::Error::new(io::ErrorKind::Unsupported, why))
}

fn invalid(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests;
