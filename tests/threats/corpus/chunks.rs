//! Chunked bodies (RFC 9112 §7.1): the plain form, and everything that some readers take for it.

use super::{Entry, fill, good, kept_open, refused, request};

fn chunked(body: &str) -> String {
    request("Transfer-Encoding: chunked\r\n", body)
}

const TEXTS: &[(&str, &str)] = &[
    (
        "a size beyond all bounds",
        "fffffffff\r\n{body}\r\n0\r\n\r\n",
    ),
    (
        "a size that wraps around",
        "10000000000000{n:x}\r\n{body}\r\n0\r\n\r\n",
    ),
    ("an extension", "{n:x};a=b\r\n{body}\r\n0\r\n\r\n"),
    (
        "an extension without a name",
        "{n:x};\r\n{body}\r\n0\r\n\r\n",
    ),
    (
        "an extension on the last chunk",
        "{n:x}\r\n{body}\r\n0;a\r\n\r\n",
    ),
    ("a trailer", "{n:x}\r\n{body}\r\n0\r\nX: y\r\n\r\n"),
    (
        "a length as trailer",
        "{n:x}\r\n{body}\r\n0\r\nContent-Length: 5\r\n\r\n",
    ),
    ("a space before the size", " {n:x}\r\n{body}\r\n0\r\n\r\n"),
    ("a space after the size", "{n:x} \r\n{body}\r\n0\r\n\r\n"),
    ("a tab after the size", "{n:x}\t\r\n{body}\r\n0\r\n\r\n"),
    ("a plus", "+{n:x}\r\n{body}\r\n0\r\n\r\n"),
    ("a minus", "-{n:x}\r\n{body}\r\n0\r\n\r\n"),
    ("0x", "0x{n:x}\r\n{body}\r\n0\r\n\r\n"),
    ("an underscore", "0_{n:x}\r\n{body}\r\n0\r\n\r\n"),
    ("no size", "\r\n{body}\r\n0\r\n\r\n"),
    ("letters beyond f", "g\r\n{body}\r\n0\r\n\r\n"),
    (
        "a bare line feed after the size",
        "{n:x}\n{body}\r\n0\r\n\r\n",
    ),
    (
        "a bare carriage return after the size",
        "{n:x}\r{body}\r\n0\r\n\r\n",
    ),
    (
        "a bare line feed after the data",
        "{n:x}\r\n{body}\n0\r\n\r\n",
    ),
    ("nothing after the data", "{n:x}\r\n{body}0\r\n\r\n"),
    (
        "data longer than its size",
        "{n-1:x}\r\n{body}\r\n0\r\n\r\n",
    ),
    (
        "data shorter than its size",
        "{n+1:x}\r\n{body}\r\n0\r\n\r\n",
    ),
    ("bare line feeds at the end", "{n:x}\r\n{body}\r\n0\n\n"),
    (
        "a bare line feed at the very end",
        "{n:x}\r\n{body}\r\n0\r\n\n",
    ),
    ("a NUL in the size", "{n:x}\0\r\n{body}\r\n0\r\n\r\n"),
    ("a full-width digit", "\u{ff11}\r\n{body}\r\n0\r\n\r\n"),
    ("a quoted size", "\"{n:x}\"\r\n{body}\r\n0\r\n\r\n"),
    ("a body that is not chunked", "{body}"),
];

pub(super) fn entries() -> Vec<Entry> {
    let body = good();
    let (n, half) = (body.len(), body.len() / 2);
    let (one, two) = body.split_at(half);
    let mut all = vec![
        kept_open(
            "one chunk",
            chunked(&format!("{n:x}\r\n{body}\r\n0\r\n\r\n")),
            200,
        ),
        kept_open(
            "one chunk in capitals",
            chunked(&format!("{n:X}\r\n{body}\r\n0\r\n\r\n")),
            200,
        ),
        kept_open(
            "leading zeros",
            chunked(&format!("000{n:x}\r\n{body}\r\n000\r\n\r\n")),
            200,
        ),
        kept_open(
            "two chunks",
            chunked(&format!(
                "{half:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n",
                n - half
            )),
            200,
        ),
        kept_open(
            "a chunk for each byte",
            chunked(
                &(body
                    .chars()
                    .fold(String::new(), |text, one| text + &format!("1\r\n{one}\r\n"))
                    + "0\r\n\r\n"),
            ),
            200,
        ),
        kept_open("no chunk but the last", chunked("0\r\n\r\n"), 400),
        refused("a chunk beyond the limit", chunked("fffff\r\n"), 413),
        refused(
            "chunks beyond the limit",
            chunked(&"1000\r\n".to_owned().add_block(0x1000, 65)),
            413,
        ),
        refused("the largest size", chunked("ffffffff\r\n"), 413),
    ];
    for (name, text) in TEXTS {
        let text = chunked(&fill(text, &body));
        all.push(refused(format!("chunked with {name}"), text, 400));
    }
    all
}

trait Blocks {
    fn add_block(self, size: usize, times: usize) -> String;
}

impl Blocks for String {
    /// The chunk whose size line this is, so many times.
    fn add_block(self, size: usize, times: usize) -> String {
        format!("{self}{}\r\n", "x".repeat(size)).repeat(times)
    }
}
