//! Media types, encodings and bodies.

use super::{Entry, FORM, PATH, good, kept_open, refused};

fn typed(content_type: &str, more: &str, body: &str) -> String {
    format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

const TYPES: &[&str] = &[
    "text/plain",
    "text/html",
    "application/xml",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "application/x-www-form-urlencoded; charset=latin1",
    "application/json; charset=utf-16",
    "application/json, application/x-www-form-urlencoded",
    "application/jsonx",
    "json",
    "*/*",
    "",
    "application/x-www-form-urlencoded; charset=utf-7",
];

const ENCODINGS: &[&str] = &[
    "gzip",
    "gzip, gzip",
    "br",
    "zstd",
    "deflate",
    "identity",
    "compress",
    "x",
    "",
];

/// Bodies that are read to their end, whatever they say.
fn read_whole(body: &str) -> Vec<Entry> {
    vec![
        kept_open(
            "a charset",
            typed("application/x-www-form-urlencoded; charset=UTF-8", "", body),
            200,
        ),
        kept_open(
            "a quoted charset",
            typed(
                "application/x-www-form-urlencoded;charset=\"utf-8\"",
                "",
                body,
            ),
            200,
        ),
        kept_open(
            "a type in capitals",
            typed("APPLICATION/X-WWW-FORM-URLENCODED", "", body),
            200,
        ),
        kept_open("nothing but white space", typed(FORM, "", " \r\n\t"), 400),
        kept_open(
            "no reference",
            typed(FORM, "", "callBackType=NETVERIFYID"),
            400,
        ),
        kept_open(
            "bytes that are not UTF-8",
            typed(FORM, "", "jumioIdScanReference=x&a=%ff"),
            400,
        ),
        kept_open("a form as JSON", typed("application/json", "", body), 400),
        kept_open(
            "JSON as a form",
            typed(FORM, "", "{\"workflowExecution\":{\"id\":\"x\"}}"),
            400,
        ),
        kept_open(
            "half of a JSON",
            typed("application/json", "", "{\"a\":"),
            400,
        ),
        kept_open(
            "deep JSON",
            typed("application/json", "", &"[".repeat(60_000)),
            400,
        ),
        kept_open(
            "a number as JSON",
            typed("application/json", "", "1e400"),
            400,
        ),
        kept_open(
            "a reference that is a path",
            typed(
                FORM,
                "",
                "callBackType=NETVERIFYID&jumioIdScanReference=../x",
            ),
            400,
        ),
    ]
}

/// Bodies that are too large, and types that are not one.
fn refused_by_the_head(body: &str) -> Vec<Entry> {
    let large = format!("jumioIdScanReference=x&filler={}", "y".repeat(256 << 10));
    let json = format!(
        "{{\"workflowExecution\":{{\"id\":\"x\"}},\"a\":\"{}\"}}",
        "z".repeat(64 << 10)
    );
    vec![
        refused("a form that is too large", typed(FORM, "", &large), 413),
        refused(
            "JSON that is too large",
            typed("application/json", "", &json),
            413,
        ),
        refused(
            "a length far too large",
            format!(
                "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 999999999999\r\n\r\n"
            ),
            413,
        ),
        refused(
            "no type",
            format!(
                "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
            415,
        ),
        refused(
            "two types",
            typed(FORM, "Content-Type: application/json\r\n", body),
            415,
        ),
    ]
}

pub(super) fn entries() -> Vec<Entry> {
    let body = good();
    let mut all = read_whole(&body);
    all.extend(refused_by_the_head(&body));
    for content_type in TYPES {
        all.push(refused(
            format!("a type of {content_type:?}"),
            typed(content_type, "", &body),
            415,
        ));
    }
    for encoding in ENCODINGS {
        all.push(refused(
            format!("an encoding of {encoding:?}"),
            typed(FORM, &format!("Content-Encoding: {encoding}\r\n"), &body),
            415,
        ));
    }
    all
}
