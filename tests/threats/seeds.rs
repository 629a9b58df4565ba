//! The seeds of the fuzz targets: what this folder sends and what the scenarios say, made short.
//!
//! Written once with `cargo test --test world seeds -- --ignored`; what fuzzing finds is kept beside them
//! (`make fuzz` says how), and each crate replays its own in its tests.

use std::path::Path;

use jumio::{
    Media,
    scenarios::{self, Fill},
};

use super::corpus;

/// Longer ones only slow the search down; what is long is met by the tests themselves.
const MAX_BYTES: usize = 1_200;
/// Seeds of one target.
const MAX_SEEDS: usize = 300;
/// Stands for the whole request that hides behind a refused one.
const HIDDEN: &[u8] = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";

/// Chains as proxies, and others, write them; lines are `name:value`.
const CHAINS: [&str; 20] = [
    "x-forwarded-for:192.0.2.1",
    "x-forwarded-for:203.0.113.9, 192.0.2.1, 10.0.0.1",
    "x-forwarded-for:192.0.2.1\nx-forwarded-for:10.0.0.2",
    "x-forwarded-for:10.0.0.1",
    "x-forwarded-for:::ffff:192.0.2.1",
    "x-forwarded-for:[2001:db8::1]:443",
    "x-forwarded-for:2001:db8::1",
    "x-forwarded-for:192.0.2.1:8080",
    "x-forwarded-for:unknown",
    "x-forwarded-for:192.0.2.1,,10.0.0.1",
    "x-forwarded-for:192.0.2.256",
    "forwarded:for=192.0.2.1",
    "forwarded:for=\"[2001:db8::1]:4711\";proto=https;by=203.0.113.43",
    "forwarded:for=192.0.2.1, for=10.0.0.1;host=\"x\\\"y\"",
    "forwarded:For=_hidden, for=unknown",
    "forwarded:for=192.0.2.1;for=192.0.2.2",
    "forwarded:by=10.0.0.1",
    "forwarded:for=\"192.0.2.1",
    "forwarded:for=192.0.2.1\nx-forwarded-for:192.0.2.2",
    "x-real-ip:192.0.2.1",
];

/// Headers of the PROXY protocol, version 1.
const LINES: [&str; 12] = [
    "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\nPOST",
    "PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n",
    "PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n",
    "PROXY UNKNOWN\r\n",
    "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 0 65535\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 065 65536\r\n",
    "PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
    "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
    "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
    "POST / HTTP/1.1\r\n",
];

const CHUNKS: [&str; 12] = [
    "3\r\nabc\r\n0\r\n\r\nPOST",
    "A\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n",
    "0\r\n\r\n",
    "3e8\r\n",
    "3e9\r\n",
    "ffffffff\r\n",
    "000000003\r\nabc\r\n",
    "3;a=b\r\nabc\r\n0\r\n\r\n",
    "0\r\nTrailer: x\r\n\r\n",
    "3\nabc\r\n",
    "3\r\nabcd\r\n",
    "+3\r\nabc\r\n",
];

/// A header of version 2 of the PROXY protocol.
fn version_2(order: u8, family: u8, rest: &[u8], stated: usize) -> Vec<u8> {
    let mut bytes = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    bytes.extend([order, family]);
    bytes.extend(u16::try_from(stated).unwrap().to_be_bytes());
    bytes.extend(rest);
    bytes
}

fn proxy_headers() -> Vec<Vec<u8>> {
    let v4 = [192, 0, 2, 1, 192, 0, 2, 2, 0xdc, 4, 1, 187];
    let v6: Vec<u8> = (0..36).collect();
    let mut all: Vec<Vec<u8>> = LINES.iter().map(|line| line.as_bytes().to_vec()).collect();
    all.extend([
        version_2(0x21, 0x11, &v4, 12),
        version_2(0x21, 0x21, &v6, 36),
        version_2(0x20, 0, &[], 0),
        version_2(0x21, 0, &[1; 9], 9),
        version_2(0x21, 0x31, &[b'u'; 216], 216),
        version_2(0x21, 0x11, &[v4.as_slice(), &[4, 0, 1, 0]].concat(), 16),
        version_2(0x21, 0x12, &v4, 12),
        version_2(0x11, 0x11, &v4, 12),
        version_2(0x21, 0x11, &v4, 11),
        version_2(0x21, 0x11, &v4, 600),
        version_2(0x21, 0x11, &v4[..5], 12),
    ]);
    all
}

/// The requests of the corpus, with a short one in place of the one that hides behind each.
fn requests() -> Vec<Vec<u8>> {
    let smuggled = corpus::smuggled();
    let shortened = |entry: corpus::Entry| match entry.bytes.strip_suffix(smuggled.as_slice()) {
        Some(own) => [own, HIDDEN].concat(),
        None => entry.bytes,
    };
    corpus::entries().into_iter().map(shortened).collect()
}

fn bodies(media: Media) -> Vec<Vec<u8>> {
    let fill = Fill {
        provider_reference: "seed".to_owned(),
        customer_reference: Some("A-1:C-1".to_owned()),
        ..Fill::default()
    };
    let scenarios = scenarios::all().iter();
    scenarios
        .filter(|scenario| scenario.media == media)
        .map(|scenario| scenario.body(&fill).into())
        .collect()
}

fn strings(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Each target with its seeds.
fn seeds() -> [(&'static str, Vec<Vec<u8>>); 6] {
    [
        ("request", requests()),
        ("chunked", strings(&CHUNKS)),
        ("forwarded", strings(&CHAINS)),
        ("proxy_header", proxy_headers()),
        ("form", bodies(Media::Form)),
        ("json", bodies(Media::Json)),
    ]
}

#[test]
#[ignore = "writes the seeds of the fuzz targets into fuzz/corpus"]
fn seeds_are_written() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (target, seeds) in seeds() {
        let folder = corpus.join(target);
        std::fs::create_dir_all(&folder).unwrap();
        let short = seeds.iter().filter(|seed| seed.len() <= MAX_BYTES);
        for (number, seed) in short.enumerate() {
            std::fs::write(folder.join(format!("seed-{number:03}")), seed).unwrap();
        }
    }
}

#[test]
fn every_target_has_seeds_of_its_own() {
    for (target, seeds) in seeds() {
        let short = seeds.iter().filter(|seed| seed.len() <= MAX_BYTES).count();
        assert!((8..=MAX_SEEDS).contains(&short), "{target}: {short}");
    }
}
