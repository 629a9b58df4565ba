//! Request lines and header fields.

use super::{Entry, FORM, PATH, fill, good, kept_open, refused, request};

/// A request of this request line, otherwise good.
fn line(line: &str) -> String {
    let body = good();
    format!(
        "{line}\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn with(fields: &str) -> String {
    let body = good();
    request(
        &format!("Content-Length: {}\r\n{fields}", body.len()),
        &body,
    )
}

const LINES: &[&str] = &[
    "POST {PATH}",
    "POST {PATH} ",
    "POST {PATH} HTTP",
    "POST {PATH} HTTP/",
    "POST {PATH} HTTP/1",
    "POST {PATH} HTTP/1.",
    "POST {PATH} HTTP/1.1 ",
    "POST {PATH} HTTP/1.1x",
    "POST {PATH} HTTP/1.10",
    "POST {PATH} http/1.1",
    "POST {PATH} HTTPS/1.1",
    "POST {PATH} ICAP/1.0",
    "POST  {PATH} HTTP/1.1",
    "POST {PATH}  HTTP/1.1",
    "POST\t{PATH}\tHTTP/1.1",
    " POST {PATH} HTTP/1.1",
    "{PATH} HTTP/1.1",
    "POST HTTP/1.1",
    "PO\0ST {PATH} HTTP/1.1",
    "PO(ST {PATH} HTTP/1.1",
    "PÖST {PATH} HTTP/1.1",
    "POST {PATH}\0 HTTP/1.1",
    "POST {PATH} x HTTP/1.1",
    "POST {PATH} HTTP/1.1\nX: y",
    "POST {PATH} HTTP/1.1\rX: y",
    "\r\n\r\n\r\n",
    "\n",
    "\0\0\0\0",
    "GET",
    "SSH-2.0-OpenSSH_9.2",
    "\u{16}\u{3}\u{1}\u{2}\u{0}",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2",
    "*1",
    "HELO x",
];

const FIELDS: &[(&str, &str)] = &[
    ("a second host", "Host: y\r\n"),
    ("a second host that is equal", "Host: x\r\n"),
    ("a field without a colon", "nameless\r\n"),
    ("a field without a name", ": y\r\n"),
    ("a folded field", "X: y\r\n z\r\n"),
    ("a field folded with a tab", "X: y\r\n\tz\r\n"),
    ("a space in a name", "X Y: z\r\n"),
    ("a space before a colon", "X : y\r\n"),
    ("a bracket in a name", "X[: y\r\n"),
    ("a NUL in a name", "X\0: y\r\n"),
    ("a NUL in a value", "X: y\0z\r\n"),
    ("an escape in a value", "X: \x1b[31m\r\n"),
    ("a bell in a value", "X: \x07\r\n"),
    ("a delete in a value", "X: \x7f\r\n"),
    ("a bare carriage return in a value", "X: y\rz\r\n"),
    ("a bare line feed between fields", "X: y\nZ: a\r\n"),
    ("a non-ASCII name", "Ü: y\r\n"),
];

/// Sound heads, heads that are too large, and other versions.
fn sizes_and_versions() -> Vec<Entry> {
    vec![
        kept_open("one empty line before", format!("\r\n{}", with("")), 200),
        kept_open("an unknown field", with("X-Whatever: y\r\n"), 200),
        kept_open("a field of Latin-1", with("X: \u{fc}\r\n"), 200),
        kept_open("an empty field", with("X:\r\n"), 200),
        kept_open(
            "as many fields as are read",
            with(&"X: y\r\n".repeat(61)),
            200,
        ),
        refused("one field too many", with(&"X: y\r\n".repeat(62)), 431),
        refused(
            "a large field",
            with(&format!("X: {}\r\n", "y".repeat(17_000))),
            431,
        ),
        refused(
            "many large fields",
            with(&format!("X: {}\r\n", "y".repeat(1_000)).repeat(20)),
            431,
        ),
        refused(
            "a head without end",
            format!(
                "POST {PATH} HTTP/1.1\r\nHost: x\r\n{}",
                "X: y\r\n".repeat(4_000)
            ),
            431,
        ),
        refused("HTTP/1.0", line(&format!("POST {PATH} HTTP/1.0")), 505),
        refused(
            "HTTP/0.9 with a version",
            line(&format!("POST {PATH} HTTP/0.9")),
            505,
        ),
        refused("HTTP/1.2", line(&format!("POST {PATH} HTTP/1.2")), 505),
        refused(
            "HTTP/2 without its preface",
            line(&format!("POST {PATH} HTTP/2.0")),
            505,
        ),
        refused(
            "the preface of HTTP/2",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            505,
        ),
        refused("HTTP/3", line(&format!("POST {PATH} HTTP/3.0")), 505),
        refused(
            "an expectation that nobody meets",
            with("Expect: 200-ok\r\n"),
            417,
        ),
    ]
}

pub(super) fn entries() -> Vec<Entry> {
    let mut all = sizes_and_versions();
    for wrong in LINES {
        let wrong = fill(wrong, "");
        all.push(refused(
            format!("a request line of {wrong:?}"),
            line(&wrong),
            400,
        ));
    }
    for (name, fields) in FIELDS {
        all.push(refused(*name, with(fields), 400));
    }
    let body = good();
    let n = body.len();
    all.push(refused(
        "no host",
        format!(
            "POST {PATH} HTTP/1.1\r\nContent-Type: {FORM}\r\nContent-Length: {n}\r\n\r\n{body}"
        ),
        400,
    ));
    all.push(refused(
        "bare line feeds only",
        format!(
            "POST {PATH} HTTP/1.1\nHost: x\nContent-Type: {FORM}\nContent-Length: {n}\n\n{body}"
        ),
        400,
    ));
    all
}
