//! Brokers that answer something else than what was asked: each ends the connection, and none more than that.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::{net::TcpListener, task::JoinSet};

use super::*;

/// The number of the request, which comes first in an answer.
const FIRST: i32 = 1;

fn reach() -> Reach {
    Reach {
        security: Security::of(&BTreeMap::new()).unwrap(),
        client_id: "idtrail.a".into(),
        chance: Chance::system(),
    }
}

fn framed(length: i32, number: i32, body: &[u8]) -> Vec<u8> {
    let head = [length.to_be_bytes(), number.to_be_bytes()].concat();
    [&head, body].concat()
}

/// Knows all that is needed in the versions up to this one.
fn knows(version: i16) -> Vec<u8> {
    let mut body = BytesMut::new();
    body.put_i16(0);
    body.put_i32(3);
    for key in [Produce::KEY, Metadata::KEY, InitProducerId::KEY] {
        body.put_i16(key);
        body.put_i16(0);
        body.put_i16(version);
    }
    framed(i32::try_from(4 + body.len()).unwrap(), FIRST, &body)
}

/// A broker that gives these answers, one to each request, and then hangs up.
async fn broker(answers: Vec<Vec<u8>>) -> (Host, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut task = JoinSet::new();
    task.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for answer in answers {
            let length = stream.read_u32().await.unwrap();
            let mut asked = vec![0; usize::try_from(length).unwrap()];
            stream.read_exact(&mut asked).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    });
    let host = Host {
        name: "127.0.0.1".to_owned(),
        port,
    };
    (host, task)
}

async fn refused(answers: Vec<Vec<u8>>) -> io::Error {
    let (host, _task) = broker(answers).await;
    let asked = async {
        let mut connection = Connection::open(&reach(), &host).await?;
        connection.ask(&Metadata(&["raw".to_owned()])).await
    };
    let limit = Duration::from_secs(10);
    let answered = tokio::time::timeout(limit, asked).await;
    answered.expect("an answer within 10 s").err().unwrap()
}

#[tokio::test]
async fn answers_that_are_none_end_the_connection() {
    for (what, answer) in [
        ("of another request", framed(8, 77, b"1234")),
        ("too large", framed(i32::MAX, FIRST, b"")),
        ("of less than nothing", framed(-1, FIRST, b"")),
        ("too short", framed(4, FIRST, b"")),
        (
            "of more than is there",
            framed(10, FIRST, &[0, 0, 0x7f, 0xff, 0xff, 0xff]),
        ),
    ] {
        let error = refused(vec![answer.clone()]).await;
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{what}: {error}");
        // The same once both have agreed; the second request has the next number.
        let mut second = answer;
        if second[4..8] == FIRST.to_be_bytes() {
            second[4..8].copy_from_slice(&(FIRST + 1).to_be_bytes());
        }
        let error = refused(vec![knows(7), second]).await;
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{what}: {error}");
    }
}

#[tokio::test]
async fn who_hangs_up_is_told_from_who_answers_wrongly() {
    for answers in [
        vec![],
        vec![knows(7)],
        vec![framed(900, FIRST, b"not all of it")],
    ] {
        let error = refused(answers).await;
        let gone = [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset];
        assert!(gone.contains(&error.kind()), "{error}");
    }
}

#[tokio::test]
async fn a_broker_that_is_too_old_is_told_by_what_it_does_not_know() {
    let error = refused(vec![knows(6)]).await;
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    assert!(
        error.to_string().contains("version 7 of Produce"),
        "{error}"
    );
}

/// A connection that is used too late is one that the broker or something in between has closed already.
#[tokio::test]
async fn a_connection_is_left_before_it_idles_too_long_or_its_login_ends() {
    let (host, _task) = broker(vec![knows(7)]).await;
    let plain = Connection::open(&reach(), &host).await.unwrap();
    let now = Instant::now();
    assert!(plain.is_fresh(now + IDLE / 2));
    assert!(!plain.is_fresh(now + IDLE));

    let shaken = framed(10, FIRST + 1, &[0, 0, 0, 0, 0, 0]);
    let lasts = [
        &[0, 0, 0xff, 0xff, 0, 0, 0, 0][..],
        &10_000_i64.to_be_bytes(),
    ]
    .concat();
    let logged_in = framed(20, FIRST + 2, &lasts);
    let (host, _task) = broker(vec![knows(7), shaken, logged_in]).await;
    let login = [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "a"),
        ("sasl.password", "b"),
    ];
    let login = login.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let reach = Reach {
        security: Security::of(&login.into()).unwrap(),
        ..reach()
    };
    let ending = Connection::open(&reach, &host).await.unwrap();
    let now = Instant::now();
    assert!(ending.is_fresh(now + Duration::from_secs(5)));
    assert!(!ending.is_fresh(now + Duration::from_secs(9)));
}

#[test]
fn a_request_begins_with_what_it_is() {
    let mut space = BytesMut::from(&b"old"[..]);
    begin::<Metadata<'_>>(&mut space, "me");
    let expected = b"\0\0\0\0\0\x03\0\x07\0\0\0\0\0\x02me";
    assert_eq!(Bytes::from(space), &expected[..]);
}
