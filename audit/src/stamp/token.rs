//! The request for a time-stamp token, and what a token says (RFC 3161).
//!
//! Whose token it is, this does not judge: for signature and certificate there are tools that auditors trust
//! (`openssl ts -verify`). What is read is what it is about, and when.

use time::{Date, Month, PrimitiveDateTime, Time};

use super::der::{BOOLEAN, CONTEXT_0, INTEGER, OCTETS, OID, Reader, SEQUENCE, SET, TIME};
use crate::log::tree::Hash;

/// Bytes of a nonce: no two requests have the same.
pub(super) const NONCE: usize = 8;
/// `AlgorithmIdentifier` of SHA-256 with its NULL, as `openssl ts` writes it.
const SHA256: [u8; 15] = [
    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
];
/// The same without; both are allowed.
const SHA256_BARE: [u8; 13] = [
    0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
];
/// `id-signedData`, 1.2.840.113549.1.7.2.
const SIGNED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// `id-ct-TSTInfo`, 1.2.840.113549.1.9.16.1.4.
const TST_INFO: [u8; 11] = [
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04,
];

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// The SHA-256 of what was stamped.
    pub(crate) imprint: Hash,
    /// The nonce of the request, if it had one.
    pub(crate) nonce: Option<Vec<u8>>,
    /// When, in milliseconds since 1970.
    pub(crate) at: i64,
}

/// Why a reply is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoToken {
    /// The authority does not grant it.
    #[error("it refuses with status {0}")]
    Refused(u8),
    /// It is not written as RFC 3161 says, or is not over a SHA-256.
    #[error("its answer is no time-stamp reply over a SHA-256")]
    Form,
}

/// A request (RFC 3161 section 2.4.1) for a token over a SHA-256, with the certificate in it. The nonce's first two bits
/// are made 01, so that it has the length that it seems to have.
pub(super) fn request(imprint: &Hash, mut nonce: [u8; NONCE]) -> (Vec<u8>, [u8; NONCE]) {
    nonce[0] = nonce[0] & 0x3f | 0x40;
    let mut body = vec![INTEGER, 1, 1, SEQUENCE, 49];
    body.extend(SHA256);
    body.extend([OCTETS, 32]);
    body.extend(imprint);
    body.extend([INTEGER, 8]);
    body.extend(nonce);
    body.extend([BOOLEAN, 1, 0xff]);
    let mut request = vec![SEQUENCE, 67];
    request.append(&mut body);
    (request, nonce)
}

/// Reads a reply (RFC 3161 section 2.4.2).
pub(crate) fn read(reply: &[u8]) -> Result<Token, NoToken> {
    let mut outer = Reader::new(reply);
    let mut reply = outer.within(SEQUENCE).ok_or(NoToken::Form)?;
    outer.end().ok_or(NoToken::Form)?;
    let mut status = reply.within(SEQUENCE).ok_or(NoToken::Form)?;
    match status.value(INTEGER) {
        // Granted, or granted with changes, which are seen below.
        Some([0 | 1]) => {}
        Some([other]) => return Err(NoToken::Refused(*other)),
        _ => return Err(NoToken::Form),
    }
    let info = info(&mut reply).ok_or(NoToken::Form)?;
    reply.end().ok_or(NoToken::Form)?;
    token(info).ok_or(NoToken::Form)
}

/// The `TSTInfo` in a token: `ContentInfo` → `SignedData` → `EncapsulatedContentInfo` (RFC 5652).
fn info<'a>(reply: &mut Reader<'a>) -> Option<&'a [u8]> {
    let mut content = reply.within(SEQUENCE)?;
    (content.value(OID)? == SIGNED_DATA).then_some(())?;
    let mut explicit = content.within(CONTEXT_0)?;
    content.end()?;
    let mut signed = explicit.within(SEQUENCE)?;
    explicit.end()?;
    signed.value(INTEGER)?;
    signed.value(SET)?;
    let mut inner = signed.within(SEQUENCE)?;
    (inner.value(OID)? == TST_INFO).then_some(())?;
    let mut explicit = inner.within(CONTEXT_0)?;
    inner.end()?;
    let info = explicit.value(OCTETS)?;
    explicit.end()?;
    Some(info)
}

fn token(info: &[u8]) -> Option<Token> {
    let mut outer = Reader::new(info);
    let mut info = outer.within(SEQUENCE)?;
    outer.end()?;
    (info.value(INTEGER)? == [1]).then_some(())?;
    info.value(OID)?;
    let imprint = info.value(SEQUENCE)?;
    let imprint = imprint
        .strip_prefix(&SHA256)
        .or_else(|| imprint.strip_prefix(&SHA256_BARE))?;
    let mut rest = Reader::new(imprint);
    let imprint = rest.value(OCTETS)?.try_into().ok()?;
    rest.end()?;
    info.value(INTEGER)?;
    let at = millis(info.value(TIME)?)?;
    // Accuracy and ordering, either of which may be left out.
    info.maybe(SEQUENCE);
    info.maybe(BOOLEAN);
    let nonce = info.maybe(INTEGER).map(<[u8]>::to_vec);
    Some(Token { imprint, nonce, at })
}

/// A `GeneralizedTime` in UTC, with or without fractions of a second; beyond milliseconds they are cut.
fn millis(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let part = |from: usize, to: usize| whole.get(from..to)?.parse::<u8>().ok();
    let month = Month::try_from(part(4, 6)?).ok()?;
    let date = Date::from_calendar_date(whole.get(..4)?.parse().ok()?, month, part(6, 8)?).ok()?;
    let time = Time::from_hms(part(8, 10)?, part(10, 12)?, part(12, 14)?).ok()?;
    let thousandths: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let seconds = PrimitiveDateTime::new(date, time)
        .assume_utc()
        .unix_timestamp();
    Some(seconds * 1_000 + thousandths)
}

#[cfg(test)]
mod tests {
    //! Requests and replies as OpenSSL makes them.

    use super::*;
    use crate::{log::tree::sha256, tests::shared};

    #[test]
    fn times_are_read_as_they_are_written() {
        assert_eq!(millis(b"19700101000001Z"), Some(1_000));
        assert_eq!(millis(b"20261121205223Z"), Some(1_795_294_343_000));
        assert_eq!(millis(b"19700101000000.5Z"), Some(500));
        assert_eq!(millis(b"19700101000000.123456Z"), Some(123));
        for bad in [
            "20261121205223",
            "20261121205223+0100",
            "20261321205223Z",
            "2026112120522Z",
            "20261121205223.Z",
            "20261121 05223Z",
        ] {
            assert_eq!(millis(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn the_request_and_the_reply_are_those_of_openssl() {
        let files = ["checkpoint", "q.tsq", "r.tsr"].map(|name| shared(&format!("rfc3161/{name}")));
        let [Some(checkpoint), Some(query), Some(reply)] = files else {
            return;
        };
        let imprint = sha256(&[&checkpoint]);
        let token = read(&reply).unwrap();
        assert_eq!(token.imprint, imprint);
        assert_eq!(token.at, 1_795_294_343_000);
        // That of the query, whose first bit is set, so that it has a zero before it: with it the request is the same.
        let nonce = token.nonce.unwrap();
        assert_eq!(nonce[0], 0);
        let (ours, sent) = request(&imprint, nonce[1..].try_into().unwrap());
        assert_eq!(sent[0] & 0xc0, 0x40);
        assert_eq!(ours[2..57], query[2..57]);
        assert_eq!(ours[ours.len() - 3..], query[query.len() - 3..]);
        assert_eq!(usize::from(ours[1]), ours.len() - 2);
    }

    #[test]
    fn a_reply_that_is_cut_or_refuses_is_no_token() {
        assert_eq!(read(&[0x30, 5, 0x30, 3, 2, 1, 2]), Err(NoToken::Refused(2)));
        let Some(reply) = shared("rfc3161/r.tsr") else {
            return;
        };
        for at in 0..reply.len() {
            assert_eq!(read(&reply[..at]), Err(NoToken::Form), "cut at {at}");
        }
        let more = [&reply[..], &[0]].concat();
        assert_eq!(read(&more), Err(NoToken::Form));
    }
}
