//! Whom a proxy speaks for: what must hold of header fields and of the PROXY protocol, whatever the bytes are.

use std::net::{IpAddr, Ipv4Addr};

use crate::sources::{
    forwarded::{self, Kind, MAX_BYTES, MAX_HOPS, Refused},
    proxy_protocol::{self, ProxyHeader},
};

/// Lines `name: value` of a head that came from a proxy: the client found is no proxy of ours, and no line that a
/// stranger could put before them makes it another one.
pub fn forwarded(bytes: &[u8]) {
    let lines: Vec<(String, &[u8])> = bytes.split(|byte| *byte == b'\n').map(line).collect();
    for kind in [None, Some(Kind::XForwardedFor), Some(Kind::Forwarded)] {
        let found = client(kind, &lines);
        let Ok(found) = found else {
            continue;
        };
        assert!(!is_proxy(found), "a proxy of ours was taken for the client");
        assert_eq!(found, found.to_canonical(), "an IPv4-mapped client");
        for (name, forged) in [
            ("x-forwarded-for", "203.0.113.66"),
            ("forwarded", "for=203.0.113.66"),
        ] {
            let mut more = lines.clone();
            more.insert(0, (name.to_owned(), forged.as_bytes()));
            match client(kind, &more) {
                Ok(other) => {
                    assert_eq!(found, other, "a forged first line changed the client");
                }
                Err(Refused::Ambiguous) => {
                    assert_eq!(kind, None, "a field that is not read is no reason");
                }
                Err(refused) => {
                    assert_eq!(refused, Refused::TooLong, "a sound line is refused");
                }
            }
        }
    }
}

fn line(bytes: &[u8]) -> (String, &[u8]) {
    let colon = memchr::memchr(b':', bytes).unwrap_or(bytes.len());
    let (name, value) = bytes.split_at(colon);
    let value = value.strip_prefix(b":").unwrap_or(value);
    (
        String::from_utf8_lossy(name).into_owned(),
        value.trim_ascii(),
    )
}

fn client(kind: Option<Kind>, lines: &[(String, &[u8])]) -> Result<IpAddr, Refused> {
    let fields = lines.iter().map(|(name, value)| (name.as_str(), *value));
    let found = forwarded::client(kind, fields, is_proxy);
    let read: usize = lines.iter().map(|(_, value)| value.len()).sum();
    if found == Err(Refused::TooLong) {
        assert!(
            read > MAX_BYTES || read > MAX_HOPS,
            "refused as too long without being so"
        );
    }
    found
}

fn is_proxy(address: IpAddr) -> bool {
    matches!(address.to_canonical(), IpAddr::V4(v4) if v4.octets()[0] == 10)
        || address == Ipv4Addr::LOCALHOST
}

/// The beginning of a connection of a proxy: decided as early as it can be, never changed by what comes after, and
/// never waited for beyond its limit.
pub fn proxy_header(bytes: &[u8]) {
    let mut before = ProxyHeader::Incomplete;
    for length in 0..=bytes.len().min(proxy_protocol::MAX + 1) {
        let seen = proxy_protocol::read(bytes.get(..length).unwrap_or_default());
        if before == ProxyHeader::Incomplete {
            if let ProxyHeader::Header { len, client } = seen {
                assert_eq!(len, length, "a header is known with its last byte");
                let canonical =
                    client.is_none_or(|client| client.ip() == client.ip().to_canonical());
                assert!(canonical, "an IPv4-mapped client");
            }
        } else {
            assert_eq!(before, seen, "a verdict was changed by the bytes after it");
        }
        before = seen;
    }
    let waits = before == ProxyHeader::Incomplete;
    assert!(
        !waits || bytes.len() < proxy_protocol::MAX,
        "a header without end is waited for"
    );
    assert_eq!(
        before,
        proxy_protocol::read(bytes),
        "a verdict was changed by the bytes after it"
    );
}
