//! What is asked of a broker and what it answers, in the versions that Kafka 2.1 has and Kafka 4 still has.
//!
//! Written out here, because a decoder for all of the protocol believes every length that it reads, and one wrong length
//! would end the process; the tests hold each of these against that decoder.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut, TryGetError};

/// A request by its name and number, in the version in which it is sent.
pub(super) trait Call {
    const NAME: &'static str;
    const KEY: i16;
    const VERSION: i16;
    type Answer: Heard;
}

/// A request that is written whole.
pub(super) trait Spoken: Call {
    fn write(&self, space: &mut BytesMut);
}

/// What is read of an answer; what we have no use for is passed over.
pub(super) trait Heard: Sized {
    fn read(answer: &mut Unread) -> Result<Self, Malformed>;
}

/// An answer ends too early, or is no text where it must be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the broker's answer is not in Kafka's form")]
pub(super) struct Malformed;

impl From<TryGetError> for Malformed {
    fn from(_: TryGetError) -> Self {
        Self
    }
}

/// What is left to be read of an answer.
pub(super) struct Unread(pub(super) Bytes);

impl Unread {
    pub(super) fn i16(&mut self) -> Result<i16, Malformed> {
        Ok(self.0.try_get_i16()?)
    }

    pub(super) fn i32(&mut self) -> Result<i32, Malformed> {
        Ok(self.0.try_get_i32()?)
    }

    pub(super) fn i64(&mut self) -> Result<i64, Malformed> {
        Ok(self.0.try_get_i64()?)
    }

    pub(super) fn skip(&mut self, bytes: usize) -> Result<(), Malformed> {
        self.take(bytes).map(|_| ())
    }

    fn take(&mut self, bytes: usize) -> Result<Bytes, Malformed> {
        if self.0.len() < bytes {
            return Err(Malformed);
        }
        Ok(self.0.split_to(bytes))
    }

    /// Of nothing (length -1) an empty one is made; we know no difference.
    pub(super) fn text(&mut self) -> Result<String, Malformed> {
        let length = usize::try_from(self.i16()?).unwrap_or(0);
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Malformed)?;
        Ok(text.to_owned())
    }

    fn bytes(&mut self) -> Result<Bytes, Malformed> {
        let length = usize::try_from(self.i32()?).unwrap_or(0);
        self.take(length)
    }

    /// Grows as they are read and not as many as are announced: each takes bytes that are there.
    pub(super) fn all<T>(
        &mut self,
        one: impl Fn(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let mut all = Vec::new();
        for _ in 0..self.i32()? {
            all.push(one(self)?);
        }
        Ok(all)
    }
}

pub(super) fn put_text(space: &mut BytesMut, text: &str) {
    // Names of ours are far shorter than a length can say.
    space.put_i16(i16::try_from(text.len()).unwrap_or(i16::MAX));
    space.put_slice(text.as_bytes());
}

pub(super) fn put_count(space: &mut BytesMut, count: usize) {
    space.put_i32(i32::try_from(count).unwrap_or(i32::MAX));
}

/// The length of a text that is not there.
const NO_TEXT: i16 = -1;

/// Which requests a broker knows.
pub(super) struct ApiVersions;

/// The versions of the requests that a broker knows.
pub(super) struct Known {
    pub(super) code: i16,
    /// Key, and the first and the last version.
    pub(super) versions: Vec<(i16, i16, i16)>,
}

impl Call for ApiVersions {
    const NAME: &'static str = "ApiVersions";
    const KEY: i16 = 18;
    const VERSION: i16 = 0;
    type Answer = Known;
}

impl Spoken for ApiVersions {
    fn write(&self, _: &mut BytesMut) {}
}

impl Heard for Known {
    fn read(answer: &mut Unread) -> Result<Self, Malformed> {
        Ok(Self {
            code: answer.i16()?,
            versions: answer.all(|one| Ok((one.i16()?, one.i16()?, one.i16()?)))?,
        })
    }
}

/// By which mechanism we will log in.
pub(super) struct SaslHandshake(pub(super) &'static str);

/// Whether it may be that one.
pub(super) struct Shaken {
    pub(super) code: i16,
}

impl Call for SaslHandshake {
    const NAME: &'static str = "SaslHandshake";
    const KEY: i16 = 17;
    const VERSION: i16 = 1;
    type Answer = Shaken;
}

impl Spoken for SaslHandshake {
    fn write(&self, space: &mut BytesMut) {
        put_text(space, self.0);
    }
}

impl Heard for Shaken {
    fn read(answer: &mut Unread) -> Result<Self, Malformed> {
        let code = answer.i16()?;
        Ok(Self { code })
    }
}

/// A message of a login.
pub(super) struct SaslAuthenticate(pub(super) Vec<u8>);

/// The broker's message.
pub(super) struct Authenticated {
    pub(super) code: i16,
    pub(super) said: Bytes,
    /// Milliseconds; 0 if it has no end.
    pub(super) lasts: i64,
}

impl Call for SaslAuthenticate {
    const NAME: &'static str = "SaslAuthenticate";
    const KEY: i16 = 36;
    const VERSION: i16 = 1;
    type Answer = Authenticated;
}

impl Spoken for SaslAuthenticate {
    fn write(&self, space: &mut BytesMut) {
        put_count(space, self.0.len());
        space.put_slice(&self.0);
    }
}

impl Heard for Authenticated {
    fn read(answer: &mut Unread) -> Result<Self, Malformed> {
        let code = answer.i16()?;
        // The reason in words may name what was said.
        answer.text()?;
        Ok(Self {
            code,
            said: answer.bytes()?,
            lasts: answer.i64()?,
        })
    }
}

/// By what name we write.
pub(super) struct InitProducerId;

/// The name.
pub(super) struct Introduced {
    pub(super) code: i16,
    pub(super) producer_id: i64,
    pub(super) epoch: i16,
}

impl Call for InitProducerId {
    const NAME: &'static str = "InitProducerId";
    const KEY: i16 = 22;
    const VERSION: i16 = 1;
    type Answer = Introduced;
}

impl Spoken for InitProducerId {
    fn write(&self, space: &mut BytesMut) {
        space.put_i16(NO_TEXT);
        // Only transactions have a time-out; the broker wants a number all the same.
        space.put_i32(60_000);
    }
}

impl Heard for Introduced {
    fn read(answer: &mut Unread) -> Result<Self, Malformed> {
        answer.skip(4)?; // how long the broker holds us back
        Ok(Self {
            code: answer.i16()?,
            producer_id: answer.i64()?,
            epoch: answer.i16()?,
        })
    }
}

pub(super) mod metadata;

#[cfg(test)]
mod tests;
