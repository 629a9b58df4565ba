//! Lengths and codings: two readers must never differ on where a body ends (RFC 9112 §6).

use super::{Entry, fill, good, kept_open, refused, request};

const VALUES: &[&str] = &[
    "+{n}",
    "-{n}",
    "{n}, {n}",
    "{n},{n}",
    "{n} {n}",
    "{n};",
    "{n}.",
    "{n}.0",
    "0x{n:x}",
    "0o{n:o}",
    "{n}e0",
    "\"{n}\"",
    "abc",
    "",
    " ",
    "18446744073709551616",
    "18446744073709551615",
    "9223372036854775808",
    "99999999999999999999999999",
    "-0",
    "-1",
    "1_000",
    "\u{661}\u{662}",
    "\u{ff11}",
];

const FIELDS: &[(&str, &str)] = &[
    (
        "two equal lengths",
        "Content-Length: {n}\r\nContent-Length: {n}\r\n",
    ),
    (
        "two unequal lengths",
        "Content-Length: {n}\r\nContent-Length: 1\r\n",
    ),
    (
        "two lengths, the first empty",
        "Content-Length: \r\nContent-Length: {n}\r\n",
    ),
    (
        "three lengths",
        "Content-Length: {n}\r\ncontent-length: {n}\r\nCONTENT-LENGTH: {n}\r\n",
    ),
    (
        "a length, then a coding",
        "Content-Length: {n}\r\nTransfer-Encoding: chunked\r\n",
    ),
    (
        "a coding, then a length",
        "Transfer-Encoding: chunked\r\nContent-Length: {n}\r\n",
    ),
    (
        "a length and an unknown coding",
        "Content-Length: {n}\r\nTransfer-Encoding: x\r\n",
    ),
    (
        "a length and an empty coding",
        "Content-Length: {n}\r\nTransfer-Encoding:\r\n",
    ),
    (
        "a length and the identity coding",
        "Content-Length: {n}\r\nTransfer-Encoding: identity\r\n",
    ),
    ("a folded length", "Content-Length:\r\n {n}\r\n"),
    (
        "a space before the colon of a length",
        "Content-Length : {n}\r\n",
    ),
    (
        "a tab before the colon of a length",
        "Content-Length\t: {n}\r\n",
    ),
    (
        "a line that begins with a space",
        " Content-Length: {n}\r\n",
    ),
    ("a NUL in a length", "Content-Length: {n}\0\r\n"),
    ("a vertical tab in a length", "Content-Length: \x0b{n}\r\n"),
    (
        "a bare carriage return in a length",
        "Content-Length: {n}\rX: y\r\n",
    ),
    (
        "a bare line feed after a length",
        "Content-Length: {n}\nX: y\r\n",
    ),
];

const CODINGS: &[&str] = &[
    "gzip",
    "gzip, chunked",
    "chunked, gzip",
    "chunked, chunked",
    "chunked,",
    ", chunked",
    "xchunked",
    "chunkedx",
    "chunk ed",
    "\"chunked\"",
    "chunked;q=1",
    "identity",
    "identity, chunked",
    "x",
    "",
    "\x0bchunked",
    "chunked\0",
    "ch\u{fc}nked",
    "deflate",
    "br",
    "zstd",
    "trailers",
    "chunked\r\n ",
];

const FIELDS_OF_CODINGS: &[(&str, &str)] = &[
    (
        "two codings, both chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    ),
    (
        "two codings, the first identity",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
    ),
    (
        "two codings, the second identity",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    ),
    ("a folded coding", "Transfer-Encoding:\r\n chunked\r\n"),
    (
        "a space before the colon of a coding",
        "Transfer-Encoding : chunked\r\n",
    ),
    (
        "a coding after a bare line feed",
        "X: y\nTransfer-Encoding: chunked\r\n",
    ),
    (
        "a coding after a bare carriage return",
        "X: y\rTransfer-Encoding: chunked\r\n",
    ),
];

pub(super) fn entries() -> Vec<Entry> {
    let body = good();
    let n = body.len();
    let mut all = vec![
        kept_open(
            "a length",
            request(&format!("Content-Length: {n}\r\n"), &body),
            200,
        ),
        kept_open(
            "a length with leading zeros",
            request(&format!("Content-Length: 000{n}\r\n"), &body),
            200,
        ),
        kept_open(
            "a length without the space",
            request(&format!("content-length:{n}\r\n"), &body),
            200,
        ),
        kept_open(
            "a length with spaces around",
            request(&format!("Content-Length: \t {n} \t\r\n"), &body),
            200,
        ),
        kept_open("no length is an empty body", request("", ""), 400),
    ];
    for value in VALUES {
        let value = fill(value, &body);
        all.push(refused(
            format!("a length of {value:?}"),
            request(&format!("Content-Length: {value}\r\n"), &body),
            400,
        ));
    }
    for (name, fields) in FIELDS {
        all.push(refused(*name, request(&fill(fields, &body), &body), 400));
    }
    for coding in CODINGS {
        all.push(refused(
            format!("a coding of {coding:?}"),
            request(&format!("Transfer-Encoding: {coding}\r\n"), "0\r\n\r\n"),
            400,
        ));
    }
    for (name, fields) in FIELDS_OF_CODINGS {
        all.push(refused(*name, request(fields, "0\r\n\r\n"), 400));
    }
    all
}
