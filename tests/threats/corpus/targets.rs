//! Targets and methods: one path, one method, and nothing that looks like them.

use super::{Entry, FORM, PATH, good, kept_open, refused};

fn to(method: &str, target: &str) -> String {
    let body = good();
    format!(
        "{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

const TARGETS: &[&str] = &[
    "/",
    "*",
    "/callbacks",
    "/callbacks/",
    "/callbacks/jumio/",
    "/callbacks/jumio/x",
    "/callbacks/jumio/x/y",
    "/callbacks/JUMIO",
    "/Callbacks/jumio",
    "/callbacks//jumio",
    "//callbacks/jumio",
    "/callbacks/jumio%20",
    "/callbacks/jumi%6f",
    "/callbacks/./jumio",
    "/callbacks/x/../jumio",
    "/callbacks/%2e%2e/metrics",
    "/callbacks/jumio;a=b",
    "/callbacks/jumio#a",
    "/callbacks\\jumio",
    "callbacks/jumio",
    "http://x",
    "http://",
    "https://x/metrics",
    "x:80",
    "/metrics",
    "/status",
    "/livez",
    "/readyz",
    "/v1/checks",
    "/debug/pprof",
    "/.git/config",
    "/callbacks/jumio/secret",
    "/callbacks/jumio%00",
    "/callbacks/netki",
    "/callbacks/jumio.",
];

const METHODS: &[&str] = &[
    "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "post", "Post",
    "POSTT", "PROPFIND", "DEBUG", "TRACK", "X",
];

pub(super) fn entries() -> Vec<Entry> {
    let mut all = vec![
        kept_open("a query", to("POST", &format!("{PATH}?a=b")), 200),
        kept_open(
            "an absolute target",
            to("POST", &format!("http://x{PATH}")),
            200,
        ),
        kept_open(
            "a target at its longest",
            to(
                "POST",
                &format!("{PATH}?{}", "q".repeat(1_024 - PATH.len() - 1)),
            ),
            200,
        ),
        refused(
            "a target that is too long",
            to(
                "POST",
                &format!("{PATH}?{}", "q".repeat(1_024 - PATH.len())),
            ),
            414,
        ),
    ];
    for target in TARGETS {
        all.push(refused(
            format!("a target of {target:?}"),
            to("POST", target),
            404,
        ));
    }
    for method in METHODS {
        all.push(refused(
            format!("the method {method}"),
            to(method, PATH),
            405,
        ));
        all.push(refused(
            format!("the method {method} on the metrics"),
            to(method, "/metrics"),
            404,
        ));
    }
    all
}
