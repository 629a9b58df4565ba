//! An event as a broker carries it.

pub use schemas::Headers;
use schemas::{Position, Timestamp, Topic};

/// A record that was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The topic, without its prefix.
    pub topic: Topic,
    /// Where it stands; the topic's name there has its prefix.
    pub position: Position,
    /// When the broker or the producer says that it was written.
    pub timestamp: Timestamp,
    /// The record key.
    pub key: Option<Vec<u8>>,
    /// The headers.
    pub headers: Headers,
    /// The value; none is a tombstone.
    pub value: Option<Vec<u8>>,
}

/// A record to be written.
#[derive(Clone, PartialEq, Eq)]
pub struct Output {
    /// The topic, without its prefix.
    pub topic: Topic,
    /// The record key, which decides the partition.
    pub key: Vec<u8>,
    /// The headers.
    pub headers: Headers,
    /// The value.
    pub value: Vec<u8>,
}

impl Record {
    /// What the record weighs against limits: key, headers and value.
    pub fn bytes(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        headers + self.key.as_ref().map_or(0, Vec::len) + self.value.as_ref().map_or(0, Vec::len)
    }

    /// The text of a header; none where it is missing or not UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

/// The text of a header; none where it is missing or not UTF-8.
pub fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().find(|(key, _)| key == name)?;
    std::str::from_utf8(value).ok()
}

impl Output {
    /// What the record weighs against size limits: key, headers and value.
    pub fn bytes(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        self.key.len() + headers + self.value.len()
    }
}

// Values may hold personal data (`raw`), so neither prints them.
impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({})", self.position)
    }
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Output({}, {} bytes)", self.topic, self.bytes())
    }
}
