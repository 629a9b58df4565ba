//! The head of a request: request line and header fields, read strictly.

use httparse::{Header, Request, Status};

/// Header fields of one request: recorded requests have about ten.
pub(crate) const MAX_FIELDS: usize = 64;

/// How the body ends (RFC 9112 §6.3). There is exactly one way, or the head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many bytes; 0 also where no length is stated.
    Length(u64),
    /// With the last chunk.
    Chunked,
}

/// Why a head is refused. The connection is of no use afterwards: where the next request begins is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// Not HTTP, or something that two readers could take for two things.
    Framing,
    /// More fields than are read.
    TooManyFields,
    /// Another version than HTTP/1.1.
    Version,
    /// An expectation other than `100-continue`.
    Expectation,
}

/// A head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    pub(crate) method: &'a str,
    /// The request target as it was sent.
    pub(crate) target: &'a str,
    fields: &'a [Header<'a>],
    pub(crate) framing: Framing,
    /// Whether the sender wishes that the connection ends after the answer.
    pub(crate) last: bool,
    /// Whether the sender waits for `100 Continue` before it sends the body.
    pub(crate) waits: bool,
}

impl<'a> Head<'a> {
    /// The one value of a field, where it is text and stands once.
    pub(crate) fn field(&self, name: &str) -> Option<&'a str> {
        let mut values = self.values(name);
        let value = values.next()?;
        match values.next() {
            None => std::str::from_utf8(value).ok(),
            Some(_) => None,
        }
    }

    /// The values of a field, in their order.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        values(self.fields, name)
    }

    /// All fields, in their order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.fields.iter().map(|field| (field.name, field.value))
    }

    /// Whether a field is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// The path of the target, without the query; of an absolute target, without scheme and authority too
    /// (RFC 9112 §3.2.2).
    pub(crate) fn path(&self) -> &'a str {
        let target = self.target;
        let local = ["http://", "https://"]
            .iter()
            .find_map(|scheme| {
                let head = target.get(..scheme.len())?;
                head.eq_ignore_ascii_case(scheme)
                    .then(|| target.get(scheme.len()..))
                    .flatten()
            })
            .map_or(target, |rest| {
                rest.find('/')
                    .and_then(|slash| rest.get(slash..))
                    .unwrap_or("/")
            });
        local.split_once('?').map_or(local, |(path, _)| path)
    }
}

/// Where the lines of a head end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    /// So many bytes are the head.
    Whole(usize),
    /// More bytes are needed; so many need not be looked at again.
    More(usize),
    /// A line feed without a carriage return before it: some read it as the end of a line and some do not.
    Bare,
}

/// Looks for the empty line that ends a head, from where the last look ended.
pub(crate) fn lines(bytes: &[u8], seen: usize) -> Lines {
    let mut from = seen;
    while let Some(found) = memchr::memchr(b'\n', bytes.get(from..).unwrap_or_default()) {
        let feed = from + found;
        let before = bytes.get(..feed).unwrap_or_default();
        if !before.ends_with(b"\r") {
            return Lines::Bare;
        }
        if before.ends_with(b"\r\n\r") {
            return Lines::Whole(feed + 1);
        }
        from = feed + 1;
    }
    Lines::More(bytes.len())
}

/// Reads a whole head, as [`lines`] found it.
pub(crate) fn read<'a>(
    bytes: &'a [u8],
    fields: &'a mut [Header<'a>; MAX_FIELDS],
) -> Result<Head<'a>, Malformed> {
    let mut request = Request::new(fields);
    match request.parse(bytes) {
        Ok(Status::Complete(length)) if length == bytes.len() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Malformed::TooManyFields),
        Err(httparse::Error::Version) if names_a_version(bytes) => return Err(Malformed::Version),
        Ok(_) | Err(_) => return Err(Malformed::Framing),
    }
    let (Some(method), Some(target), Some(version)) =
        (request.method, request.path, request.version)
    else {
        return Err(Malformed::Framing);
    };
    if version != 1 {
        return Err(Malformed::Version);
    }
    let fields: &'a [Header<'a>] = request.headers;
    // A request without a host, or with two, has more than one reading (RFC 9112 §3.2).
    if values(fields, "host").count() != 1 {
        return Err(Malformed::Framing);
    }
    let waits = match values(fields, "expect").next() {
        None => false,
        Some(value) if value.eq_ignore_ascii_case(b"100-continue") => true,
        Some(_) => return Err(Malformed::Expectation),
    };
    let last = values(fields, "connection").any(|value| {
        value
            .split(|byte| *byte == b',')
            .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
    });
    Ok(Head {
        method,
        target,
        framing: framing(fields)?,
        fields,
        last,
        waits,
    })
}

/// Whether a request line is sound but for its version.
fn names_a_version(bytes: &[u8]) -> bool {
    let line = bytes
        .split(|byte| *byte == b'\r')
        .next()
        .unwrap_or_default();
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    matches!(words.as_slice(), [_, _, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]]
        if major.is_ascii_digit() && minor.is_ascii_digit())
}

fn values<'a>(fields: &'a [Header<'a>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    fields
        .iter()
        .filter(move |field| field.name.eq_ignore_ascii_case(name))
        .map(|field| field.value)
}

fn framing(fields: &[Header<'_>]) -> Result<Framing, Malformed> {
    let mut codings = values(fields, "transfer-encoding");
    let mut lengths = values(fields, "content-length");
    let (coding, length) = (codings.next(), lengths.next());
    if codings.next().is_some() || lengths.next().is_some() {
        return Err(Malformed::Framing);
    }
    match (coding, length) {
        (None, None) => Ok(Framing::Length(0)),
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
        (None, Some(length)) => digits(length)
            .map(Framing::Length)
            .ok_or(Malformed::Framing),
        (Some(_), _) => Err(Malformed::Framing),
    }
}

/// A length is digits and nothing else: no sign, no list, no white space within (RFC 9110 §8.6).
fn digits(value: &[u8]) -> Option<u64> {
    // 18 digits cannot overflow.
    if value.is_empty() || value.len() > 18 {
        return None;
    }
    value.iter().try_fold(0_u64, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + u64::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests;
