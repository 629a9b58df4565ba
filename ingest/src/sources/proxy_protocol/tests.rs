//! Headers of the PROXY protocol, whole, cut and broken.

use proptest::prelude::*;

use super::*;

fn header(client: Option<&str>, len: usize) -> ProxyHeader {
    ProxyHeader::Header {
        client: client.map(|client| client.parse().unwrap()),
        len,
    }
}

fn v2(order: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let mut bytes = SIGNATURE_V2.to_vec();
    bytes.extend([order, family]);
    bytes.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
    bytes.extend(rest);
    bytes
}

fn rest_v4() -> Vec<u8> {
    vec![192, 0, 2, 1, 198, 51, 100, 1, 0x12, 0x67, 0x01, 0xbb]
}

fn rest_v6(client: &str) -> Vec<u8> {
    let mut rest = client.parse::<Ipv6Addr>().unwrap().octets().to_vec();
    rest.extend(Ipv6Addr::LOCALHOST.octets());
    rest.extend([0x12, 0x67, 0x01, 0xbb]);
    rest
}

#[test]
fn version_1_names_its_client() {
    for (line, client) in [
        (
            "PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\r\n",
            Some("192.0.2.1:4711"),
        ),
        (
            "PROXY TCP6 2001:db8::7 2001:db8::1 65535 0\r\n",
            Some("[2001:db8::7]:65535"),
        ),
        (
            "PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n",
            Some("192.0.2.1:1"),
        ),
        ("PROXY UNKNOWN\r\n", None),
        ("PROXY UNKNOWN ffff:f...f:ffff x 65535 65535\r\n", None),
    ] {
        let mut bytes = line.as_bytes().to_vec();
        bytes.extend(b"POST / HTTP/1.1\r\n");
        assert_eq!(read(&bytes), header(client, line.len()), "{line}");
    }
}

#[test]
fn a_broken_line_of_version_1_is_malformed() {
    for line in [
        "PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\n",
        "PROXY  TCP4 192.0.2.1 198.51.100.1 4711 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 4711 443 \r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 4711\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 04711 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 +4711 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1  443\r\n",
        "PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
        "PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n",
        "PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY \r\n",
        "PROXY UNKNOWN \u{fc}\r\n",
        "proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n",
        "POST /callbacks/jumio HTTP/1.1\r\n",
        "P\r\n",
    ] {
        assert_eq!(read(line.as_bytes()), ProxyHeader::Malformed, "{line:?}");
    }
    let long = |count: usize| format!("PROXY UNKNOWN {}\r\n", "a".repeat(count));
    assert_eq!(read(long(91).as_bytes()), header(None, MAX_V1));
    assert_eq!(read(long(92).as_bytes()), ProxyHeader::Malformed);
    assert_eq!(
        read(&long(200).as_bytes()[..MAX_V1]),
        ProxyHeader::Malformed
    );
    assert_eq!(
        read(&long(200).as_bytes()[..MAX_V1 - 1]),
        ProxyHeader::Incomplete
    );
}

#[test]
fn version_2_names_its_client() {
    let with_additions = [rest_v4(), vec![0x03, 0, 4, 1, 2, 3, 4]].concat();
    for (bytes, client) in [
        (v2(0x21, 0x11, &rest_v4()), Some("192.0.2.1:4711")),
        (v2(0x21, 0x11, &with_additions), Some("192.0.2.1:4711")),
        (
            v2(0x21, 0x21, &rest_v6("2001:db8::7")),
            Some("[2001:db8::7]:4711"),
        ),
        (
            v2(0x21, 0x21, &rest_v6("::ffff:192.0.2.1")),
            Some("192.0.2.1:4711"),
        ),
        (v2(0x21, 0x31, &[0; ADDRESSES_UNIX]), None),
        (v2(0x21, 0x00, &[]), None),
        (v2(0x20, 0x00, &[]), None),
        (v2(0x20, 0x11, &rest_v4()), None),
        (v2(0x20, 0x77, &[1; 9]), None),
        (v2(0x21, 0x00, &[0; MAX_REST_V2]), None),
    ] {
        assert_eq!(read(&bytes), header(client, bytes.len()), "{bytes:?}");
        let followed = [bytes.clone(), vec![0x16, 3, 1]].concat();
        assert_eq!(read(&followed), header(client, bytes.len()), "{bytes:?}");
    }
}

#[test]
fn a_broken_header_of_version_2_is_malformed() {
    for bytes in [
        v2(0x11, 0x11, &rest_v4()),
        v2(0x22, 0x11, &rest_v4()),
        v2(0x21, 0x12, &rest_v4()),
        v2(0x21, 0x41, &rest_v4()),
        v2(0x21, 0x10, &rest_v4()),
        v2(0x21, 0x11, &rest_v4()[..11]),
        v2(0x21, 0x21, &rest_v4()),
        v2(0x21, 0x31, &[0; 215]),
        v2(0x21, 0x00, &[0; MAX_REST_V2 + 1]),
        v2(0x20, 0x00, &[0; MAX_REST_V2 + 1]),
    ] {
        assert_eq!(read(&bytes), ProxyHeader::Malformed, "{bytes:?}");
    }
    // The length alone tells: what is too long is not waited for.
    assert_eq!(
        read(&v2(0x21, 0x00, &[0; MAX_REST_V2 + 1])[..HEAD_V2]),
        ProxyHeader::Malformed
    );
}

proptest! {
    #[test]
    fn every_cut_of_a_header_asks_for_more(
        version in 0..4_usize,
        cut in any::<prop::sample::Index>(),
    ) {
        let bytes = match version {
            0 => b"PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\r\n".to_vec(),
            1 => b"PROXY UNKNOWN\r\n".to_vec(),
            2 => v2(0x21, 0x11, &rest_v4()),
            _ => v2(0x21, 0x21, &rest_v6("2001:db8::7")),
        };
        let cut = cut.index(bytes.len());
        prop_assert_eq!(read(&bytes[..cut]), ProxyHeader::Incomplete);
    }

    #[test]
    fn no_bytes_break_it(
        signature in 0..3_usize,
        rest in prop::collection::vec(any::<u8>(), 0..700),
    ) {
        let signature: &[u8] = [&b""[..], SIGNATURE_V1, SIGNATURE_V2][signature];
        let bytes = [signature, &rest].concat();
        match read(&bytes) {
            ProxyHeader::Header { len, .. } => prop_assert!(len <= bytes.len() && len <= MAX),
            // More than the longest header is never asked for.
            ProxyHeader::Incomplete => prop_assert!(bytes.len() < MAX),
            ProxyHeader::Malformed => {}
        }
    }
}
