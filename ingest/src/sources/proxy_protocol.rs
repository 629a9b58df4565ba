//! The header of the PROXY protocol, versions 1 and 2, with which a proxy names its peer before the first byte.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Longest header of version 1, its line end included, as the protocol states it.
pub const MAX_V1: usize = 107;
/// Bytes of version 2 before its addresses.
const HEAD_V2: usize = 16;
/// Longest part of version 2 after its first 16 bytes: 216 for the largest addresses, and room for what proxies add.
pub const MAX_REST_V2: usize = 536;
/// Longest header of either version.
pub const MAX: usize = HEAD_V2 + MAX_REST_V2;

const SIGNATURE_V1: &[u8] = b"PROXY ";
const SIGNATURE_V2: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
const VERSION_2: u8 = 2;
/// Bytes of the addresses and ports of each family.
const ADDRESSES_V4: usize = 12;
const ADDRESSES_V6: usize = 36;
const ADDRESSES_UNIX: usize = 216;

/// What stands at the beginning of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHeader {
    /// More bytes are needed.
    Incomplete,
    /// A header.
    Header {
        /// Whom the proxy speaks for; none where it speaks for itself (`LOCAL`) or does not know.
        client: Option<SocketAddr>,
        /// Bytes of the header; the connection's own first byte comes after them.
        len: usize,
    },
    /// No header, and no more bytes can make it one.
    Malformed,
}

/// Reads what has come so far. Decides on the first byte that cannot be right, and asks for at most [`MAX`] bytes.
pub fn read(bytes: &[u8]) -> ProxyHeader {
    if begins(SIGNATURE_V1, bytes) {
        read_v1(bytes)
    } else if begins(SIGNATURE_V2, bytes) {
        read_v2(bytes).unwrap_or_else(|verdict| verdict)
    } else {
        ProxyHeader::Malformed
    }
}

/// Whether the bytes are the beginning of the signature, or begin with it.
fn begins(signature: &[u8], bytes: &[u8]) -> bool {
    signature.iter().zip(bytes).all(|(want, have)| want == have)
}

fn read_v1(bytes: &[u8]) -> ProxyHeader {
    let bounded = bytes.get(..MAX_V1).unwrap_or(bytes);
    let Some(feed) = memchr::memchr(b'\n', bounded) else {
        let full = bounded.len() == MAX_V1;
        let text = bounded
            .iter()
            .all(|byte| (b' '..=b'~').contains(byte) || *byte == b'\r');
        return if full || !text {
            ProxyHeader::Malformed
        } else {
            ProxyHeader::Incomplete
        };
    };
    let line = bounded
        .get(..feed)
        .and_then(|line| line.strip_suffix(b"\r"));
    let text = line.and_then(|line| std::str::from_utf8(line).ok());
    let client = match text.and_then(said_v1) {
        Some(Said::Client(client)) => Some(client),
        Some(Said::Unknown) => None,
        None => return ProxyHeader::Malformed,
    };
    ProxyHeader::Header {
        client,
        len: feed + 1,
    }
}

/// What a line of version 1 says.
enum Said {
    Client(SocketAddr),
    Unknown,
}

/// Reads a line of version 1; nothing where it is malformed.
fn said_v1(line: &str) -> Option<Said> {
    if line.bytes().any(|byte| !(b' '..=b'~').contains(&byte)) {
        return None;
    }
    let mut words = line.split(' ');
    let (proxy, family) = (words.next()?, words.next()?);
    if proxy != "PROXY" {
        return None;
    }
    if family == "UNKNOWN" {
        // Whatever follows is to be passed over.
        return Some(Said::Unknown);
    }
    let (from, to) = (words.next()?, words.next()?);
    // The proxy's own end is of no use, and must be in form nevertheless.
    let from = match family {
        "TCP4" => {
            let _own: Ipv4Addr = to.parse().ok()?;
            IpAddr::V4(from.parse().ok()?)
        }
        "TCP6" => {
            let _own: Ipv6Addr = to.parse().ok()?;
            IpAddr::V6(from.parse().ok()?)
        }
        _ => return None,
    };
    let (from_port, _own) = (port(words.next()?)?, port(words.next()?)?);
    if words.next().is_some() {
        return None;
    }
    Some(Said::Client(SocketAddr::new(
        from.to_canonical(),
        from_port,
    )))
}

fn port(text: &str) -> Option<u16> {
    let plain =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

fn read_v2(bytes: &[u8]) -> Result<ProxyHeader, ProxyHeader> {
    let at = |place: usize| bytes.get(place).copied().ok_or(ProxyHeader::Incomplete);
    let order = at(12)?;
    if order >> 4 != VERSION_2 || order & 0xf > 1 {
        return Err(ProxyHeader::Malformed);
    }
    let local = order == VERSION_2 << 4;
    let family = at(13)?;
    let least = match family {
        _ if local => 0,
        0x00 => 0,
        0x11 => ADDRESSES_V4,
        0x21 => ADDRESSES_V6,
        0x31 => ADDRESSES_UNIX,
        // Datagrams do not come to a door, and other families do not exist.
        _ => return Err(ProxyHeader::Malformed),
    };
    let rest = usize::from(u16::from_be_bytes([at(14)?, at(15)?]));
    if rest < least || rest > MAX_REST_V2 {
        return Err(ProxyHeader::Malformed);
    }
    let len = HEAD_V2 + rest;
    let rest = bytes.get(HEAD_V2..len).ok_or(ProxyHeader::Incomplete)?;
    let client = if local { None } else { client_v2(family, rest) };
    Ok(ProxyHeader::Header { client, len })
}

fn client_v2(family: u8, rest: &[u8]) -> Option<SocketAddr> {
    let port = |at: usize| Some(u16::from_be_bytes([*rest.get(at)?, *rest.get(at + 1)?]));
    match family {
        0x11 => {
            let address: [u8; 4] = rest.get(..4)?.try_into().ok()?;
            Some(SocketAddr::new(IpAddr::from(address), port(8)?))
        }
        0x21 => {
            let address: [u8; 16] = rest.get(..16)?.try_into().ok()?;
            Some(SocketAddr::new(
                IpAddr::from(address).to_canonical(),
                port(32)?,
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
