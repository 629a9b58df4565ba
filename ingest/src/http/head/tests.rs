//! What the head reader accepts, and the ambiguities that it refuses.

use httparse::EMPTY_HEADER;
use proptest::prelude::*;

use super::*;

fn framing_of(bytes: &[u8]) -> Result<Framing, Malformed> {
    let mut fields = [EMPTY_HEADER; MAX_FIELDS];
    read(bytes, &mut fields).map(|head| head.framing)
}

fn with(fields: &str) -> Vec<u8> {
    format!("POST /callbacks/jumio HTTP/1.1\r\nHost: x\r\n{fields}\r\n").into_bytes()
}

#[test]
fn a_head_ends_with_its_empty_line() {
    let head = b"POST / HTTP/1.1\r\nHost: x\r\n\r\nbody";
    assert_eq!(lines(head, 0), Lines::Whole(head.len() - 4));
    for cut in 0..head.len() - 4 {
        let Lines::More(seen) = lines(&head[..cut], 0) else {
            panic!("{cut} bytes are no head")
        };
        assert_eq!(
            lines(head, seen.min(cut)),
            Lines::Whole(head.len() - 4),
            "{cut}"
        );
    }
}

#[test]
fn a_bare_line_feed_is_seen_before_the_head_is_whole() {
    for bytes in ["POST / HTTP/1.1\n", "POST / HTTP/1.1\r\nHost: x\n\n", "\n"] {
        assert_eq!(lines(bytes.as_bytes(), 0), Lines::Bare, "{bytes:?}");
    }
}

#[test]
fn a_body_ends_in_one_way_only() {
    let table: [(&str, Result<Framing, Malformed>); 20] = [
        ("", Ok(Framing::Length(0))),
        ("Content-Length: 12\r\n", Ok(Framing::Length(12))),
        ("content-length:12\r\n", Ok(Framing::Length(12))),
        ("Content-Length: 007\r\n", Ok(Framing::Length(7))),
        ("Transfer-Encoding: chunked\r\n", Ok(Framing::Chunked)),
        ("Transfer-Encoding: Chunked\r\n", Ok(Framing::Chunked)),
        (
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            Err(Malformed::Framing),
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
            Err(Malformed::Framing),
        ),
        (
            "Content-Length: 1\r\nContent-Length: 1\r\n",
            Err(Malformed::Framing),
        ),
        ("Content-Length: 1, 1\r\n", Err(Malformed::Framing)),
        ("Content-Length: +1\r\n", Err(Malformed::Framing)),
        ("Content-Length: 0x1\r\n", Err(Malformed::Framing)),
        ("Content-Length: 1 2\r\n", Err(Malformed::Framing)),
        ("Content-Length: \r\n", Err(Malformed::Framing)),
        (
            "Content-Length: 99999999999999999999\r\n",
            Err(Malformed::Framing),
        ),
        (
            "Transfer-Encoding: gzip, chunked\r\n",
            Err(Malformed::Framing),
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            Err(Malformed::Framing),
        ),
        ("Transfer-Encoding: xchunked\r\n", Err(Malformed::Framing)),
        ("Transfer-Encoding: identity\r\n", Err(Malformed::Framing)),
        ("Content-Length : 1\r\n", Err(Malformed::Framing)),
    ];
    for (fields, promised) in table {
        assert_eq!(framing_of(&with(fields)), promised, "{fields:?}");
    }
}

#[test]
fn what_two_readers_could_take_for_two_things_is_refused() {
    for bytes in [
        "POST / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nnameless\r\n\r\n",
        "POST  / HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST / a HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        assert_eq!(
            framing_of(bytes.as_bytes()),
            Err(Malformed::Framing),
            "{bytes:?}"
        );
    }
    for bytes in [
        "PRI * HTTP/2.0\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: x\r\n\r\n",
    ] {
        assert_eq!(
            framing_of(bytes.as_bytes()),
            Err(Malformed::Version),
            "{bytes:?}"
        );
    }
}

#[test]
fn one_field_too_many_is_told_apart() {
    let at_limit = "A: b\r\n".repeat(MAX_FIELDS - 1);
    assert!(framing_of(&with(&at_limit)).is_ok());
    assert_eq!(
        framing_of(&with(&format!("{at_limit}A: b\r\n"))),
        Err(Malformed::TooManyFields)
    );
}

#[test]
fn the_path_is_found_in_every_form_of_target() {
    for (target, path) in [
        ("/callbacks/jumio", "/callbacks/jumio"),
        ("/callbacks/jumio?a=b", "/callbacks/jumio"),
        ("http://x/callbacks/jumio?a", "/callbacks/jumio"),
        ("HTTPS://x:1/callbacks/jumio", "/callbacks/jumio"),
        ("http://x", "/"),
        ("*", "*"),
    ] {
        let bytes = format!("POST {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut fields = [EMPTY_HEADER; MAX_FIELDS];
        assert_eq!(read(bytes.as_bytes(), &mut fields).unwrap().path(), path);
    }
}

proptest! {
    #[test]
    fn no_bytes_end_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..600), seen in 0_usize..700) {
        let _any = lines(&bytes, seen.min(bytes.len()));
        let _any = framing_of(&bytes);
    }
}
