//! Chains of proxies, honest, forged and broken.

use proptest::prelude::*;

use super::*;

const PROXY: [&str; 2] = ["10.0.0.1", "2001:db8::1"];

fn ask(kind: Option<Kind>, lines: &[(&str, &str)]) -> Result<IpAddr, Refused> {
    let is_proxy = |address: IpAddr| {
        PROXY
            .iter()
            .any(|proxy| proxy.parse::<IpAddr>().unwrap() == address)
    };
    let fields = lines.iter().map(|(name, value)| (*name, value.as_bytes()));
    client(kind, fields, is_proxy)
}

fn xff(value: &str) -> Result<IpAddr, Refused> {
    ask(None, &[("X-Forwarded-For", value)])
}

fn forwarded(value: &str) -> Result<IpAddr, Refused> {
    ask(None, &[("Forwarded", value)])
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn the_right_most_hop_that_is_no_proxy_counts() {
    for (value, client) in [
        ("192.0.2.1", "192.0.2.1"),
        ("34.253.41.236, 198.51.100.7", "198.51.100.7"),
        ("34.253.41.236,198.51.100.7, 10.0.0.1", "198.51.100.7"),
        (
            "198.51.100.7, [2001:db8::1]:443,10.0.0.1:80",
            "198.51.100.7",
        ),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:192.0.2.1]", "192.0.2.1"),
        ("192.0.2.1, ::ffff:10.0.0.1", "192.0.2.1"),
        ("unknown, 192.0.2.1", "192.0.2.1"),
        ("\t192.0.2.1 ", "192.0.2.1"),
    ] {
        assert_eq!(xff(value), Ok(ip(client)), "{value}");
    }
}

#[test]
fn several_lines_are_one_list_in_their_order() {
    let lines = [
        ("x-forwarded-for", "34.253.41.236"),
        ("host", "door"),
        ("X-FORWARDED-FOR", "198.51.100.7, 10.0.0.1"),
        ("X-Forwarded-For", "10.0.0.1"),
    ];
    assert_eq!(ask(None, &lines), Ok(ip("198.51.100.7")));
    let lines = [
        ("Forwarded", "for=34.253.41.236"),
        ("Forwarded", "for=198.51.100.7"),
    ];
    assert_eq!(ask(None, &lines), Ok(ip("198.51.100.7")));
}

#[test]
fn a_malformed_chain_is_refused_wherever_the_fault_stands() {
    for value in [
        "",
        ",",
        "192.0.2.1,",
        ", 192.0.2.1",
        "x, 192.0.2.1",
        "192.0.2.1, x",
        "192.0.2",
        "192.0.2.256",
        "0300.0.2.1",
        "192.0.2.1:",
        "192.0.2.1:x",
        "192.0.2.1:65536",
        "192.0.2.1:+80",
        "192.0.2.1 10.0.0.1",
        "[2001:db8::7",
        "2001:db8::7]",
        "[192.0.2.1]",
        "[]",
        "fe80::1%eth0",
        "[fe80::1%25eth0]",
        "\"192.0.2.1\"",
        "for=192.0.2.1",
        "192.0.2.1;",
        "192.0.2.0/24",
        "localhost",
        "3232235777",
        "1\u{0661}.0.0.1",
    ] {
        assert_eq!(xff(value), Err(Refused::Malformed), "{value:?}");
    }
    let fields = [("x-forwarded-for", &b"192.0.2.1\xff"[..])];
    assert_eq!(
        client(None, fields.into_iter(), |_| false),
        Err(Refused::Malformed)
    );
}

#[test]
fn forwarded_is_read_as_its_grammar_says() {
    for (value, client) in [
        ("for=192.0.2.1", Ok(ip("192.0.2.1"))),
        ("For=\"192.0.2.1:4711\"", Ok(ip("192.0.2.1"))),
        ("for=\"[2001:db8::7]:4711\"", Ok(ip("2001:db8::7"))),
        (
            "for=\"[2001:db8::7]\";proto=https;by=203.0.113.43",
            Ok(ip("2001:db8::7")),
        ),
        (
            "proto=https; for=192.0.2.1 , for=10.0.0.1",
            Ok(ip("192.0.2.1")),
        ),
        (
            "for=34.253.41.236;host=\"a,b;for=1\", for=192.0.2.1",
            Ok(ip("192.0.2.1")),
        ),
        ("for=\"192.0.2\\.1\"", Ok(ip("192.0.2.1"))),
        ("for=\"192.0.2.1:_port\"", Ok(ip("192.0.2.1"))),
        ("for=unknown", Err(Refused::Hidden)),
        ("for=_hidden", Err(Refused::Hidden)),
        ("for=\"_hidden:_x\"", Err(Refused::Hidden)),
        (
            "for=34.253.41.236, for=UNKNOWN, for=10.0.0.1",
            Err(Refused::Hidden),
        ),
        ("for=34.253.41.236, proto=https", Err(Refused::Hidden)),
        ("for=10.0.0.1", Err(Refused::NoClient)),
    ] {
        assert_eq!(forwarded(value), client, "{value}");
    }
    for value in [
        "",
        ",",
        "for",
        "for=",
        "=192.0.2.1",
        "for=192.0.2.1,",
        "for=192.0.2.1;",
        "for=192.0.2.1:80",
        "for=[2001:db8::7]",
        "for=\"2001:db8::7\"",
        "for=\"192.0.2.1",
        "for=\"192.0.2.1\\",
        "for=192.0.2.1;for=10.0.0.1",
        "for = 192.0.2.1",
        "for=192.0.2.1 for=10.0.0.1",
        "for=_",
        "for=x",
        "192.0.2.1",
        "for=\"192.0.2.1\"x",
        "for=\"\u{fc}\"",
    ] {
        assert_eq!(forwarded(value), Err(Refused::Malformed), "{value:?}");
    }
}

#[test]
fn both_fields_are_refused_unless_a_setting_says_which_counts() {
    let lines = [
        ("X-Forwarded-For", "192.0.2.1"),
        ("Forwarded", "for=192.0.2.2"),
    ];
    assert_eq!(ask(None, &lines), Err(Refused::Ambiguous));
    assert_eq!(ask(Some(Kind::XForwardedFor), &lines), Ok(ip("192.0.2.1")));
    assert_eq!(ask(Some(Kind::Forwarded), &lines), Ok(ip("192.0.2.2")));
    // What the proxies do not write is the sender's own, and no stand-in.
    assert_eq!(
        ask(Some(Kind::Forwarded), &lines[..1]),
        Err(Refused::NoClient)
    );
}

#[test]
fn nothing_else_names_a_client() {
    let lines = [
        ("X-Real-IP", "34.253.41.236"),
        ("CF-Connecting-IP", "34.253.41.236"),
        ("X-Forwarded-For2", "1.1.1.1"),
    ];
    assert_eq!(ask(None, &lines), Err(Refused::NoClient));
}

#[test]
fn a_chain_is_bounded() {
    let hops = |count| vec!["192.0.2.1"; count].join(",");
    assert_eq!(xff(&hops(MAX_HOPS)), Ok(ip("192.0.2.1")));
    assert_eq!(xff(&hops(MAX_HOPS + 1)), Err(Refused::TooLong));
    assert_eq!(
        forwarded(&format!("for=192.0.2.1;x=\"{}\"", "a".repeat(MAX_BYTES))),
        Err(Refused::TooLong)
    );
}

proptest! {
    #[test]
    fn no_bytes_break_it(
        lines in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 0..5),
    ) {
        let fields = lines.iter().map(|(kind, value)| {
            (if *kind { "forwarded" } else { "x-forwarded-for" }, value.as_slice())
        });
        let _any = client(None, fields, |_| false);
    }

    #[test]
    fn near_misses_do_not_break_it(value in "[for=\"\\\\;,:_.\\[\\] 0-9a-f]{0,60}") {
        let (_, _) = (xff(&value), forwarded(&value));
    }

    #[test]
    fn what_a_sender_writes_never_counts_once_a_proxy_has_added_its_peer(
        forged in prop_oneof![
            any::<std::net::Ipv4Addr>().prop_map(|forged| forged.to_string()),
            any::<std::net::Ipv4Addr>().prop_map(|forged| format!("for={forged}")),
            "[ -~]{0,80}",
        ],
        peer in any::<u32>(),
    ) {
        let peer = std::net::Ipv4Addr::from(peer);
        prop_assume!(peer != std::net::Ipv4Addr::new(10, 0, 0, 1));
        if let Ok(client) = xff(&format!("{forged}, {peer}")) {
            prop_assert_eq!(client, IpAddr::V4(peer));
        }
        if let Ok(client) = forwarded(&format!("{forged}, for={peer}")) {
            prop_assert_eq!(client, IpAddr::V4(peer));
        }
    }
}
