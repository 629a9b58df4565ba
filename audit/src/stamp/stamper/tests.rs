//! Authorities that stamp, and some that lie: what is kept, and when the next token is asked for.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Bytes,
    extract::Path,
    http::{StatusCode, header::CONTENT_TYPE, header::LOCATION},
    response::{IntoResponse as _, Response},
    routing::post,
};
use stage::{Clock as _, Stopper};
use tokio::{net::TcpListener, task::JoinSet};

use super::*;
use crate::tests::{World, each, keep, raws};

/// A value of DER.
fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let length = match u16::try_from(contents.len()).unwrap().to_be_bytes() {
        [0, short @ 0..=0x7f] => vec![short],
        [0, byte] => vec![0x81, byte],
        [high, low] => vec![0x82, high, low],
    };
    [vec![tag], length, contents].concat()
}

/// A reply as an authority makes it, but for certificates and signature.
fn reply(imprint: &[u8], nonce: &[u8], time: &str) -> Vec<u8> {
    let imprint = value(
        0x30,
        &[
            &[
                0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0,
            ],
            &value(4, &[imprint]),
        ],
    );
    let info = value(
        0x30,
        &[
            &[2, 1, 1],
            &[6, 1, 0x2a],
            &imprint,
            &[2, 1, 7],
            &value(0x18, &[time.as_bytes()]),
            &[0x30, 3, 2, 1, 1],
            &value(2, &[nonce]),
        ],
    );
    let content = value(
        0x30,
        &[
            &[6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x10, 1, 4],
            &value(0xa0, &[&value(4, &[&info])]),
        ],
    );
    let signed = value(0x30, &[&[2, 1, 3], &[0x31, 0], &content, &[0x31, 0]]);
    let token = value(
        0x30,
        &[
            &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2],
            &value(0xa0, &[&signed]),
        ],
    );
    value(0x30, &[&[0x30, 3, 2, 1, 0], &token])
}

fn generalized(millis: i64) -> String {
    let time = time::OffsetDateTime::from_unix_timestamp(millis / 1_000).unwrap();
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

const LIES: [(&str, &str); 9] = [
    ("over another text", "strange"),
    ("of another request", "strange"),
    ("an hour ago", "clock"),
    ("refused", "refused"),
    ("cut", "form"),
    ("too long", "form"),
    ("of another kind", "form"),
    ("redirect", "status"),
    ("broken", "status"),
];

/// What an authority of one kind answers to a request.
fn answer(kind: &str, request: &[u8], now: i64) -> Response {
    let (imprint, nonce) = (&request[24..56], &request[58..66]);
    let time = generalized(now);
    let good = reply(imprint, nonce, &time);
    let typed = |body: Vec<u8>| ([(CONTENT_TYPE, REPLY)], body).into_response();
    match kind {
        "good" => typed(good),
        "over another text" => typed(reply(&[7; 32], nonce, &time)),
        "of another request" => typed(reply(imprint, &[0x41; 8], &time)),
        "an hour ago" => typed(reply(imprint, nonce, &generalized(now - 3_600_000))),
        "refused" => typed(vec![0x30, 5, 0x30, 3, 2, 1, 2]),
        "cut" => typed(good[..good.len() - 1].to_vec()),
        "too long" => typed([good, vec![0; MAX_REPLY]].concat()),
        "of another kind" => good.into_response(),
        "redirect" => (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "/good")]).into_response(),
        _ => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// An authority on loopback that answers by its path, and counts how often it is asked.
struct Authority {
    url: String,
    asked: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

impl Authority {
    async fn start(world: &World) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, clock) = (Arc::clone(&asked), world.clock.clone());
        let route = post(async move |Path(kind): Path<String>, body: Bytes| {
            count.fetch_add(1, Ordering::Relaxed);
            answer(&kind, &body, clock.now().millis())
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut task = JoinSet::new();
        let router = Router::new().route("/{kind}", route);
        task.spawn(crate::api::serve::serve(listener, router, Stopper::new()));
        Self {
            url,
            asked,
            _task: task,
        }
    }

    fn stamper(&self, world: &World, kind: &str) -> Stamper {
        let stamping = Stamping {
            url: format!("{}/{}", self.url, kind.replace(' ', "%20")),
            every_s: 3_600,
        };
        let store = crate::store::open(&world.database());
        let of = Stamper::of(&stamping, (store, world.evidence()), &world.context());
        of.unwrap().unwrap()
    }
}

#[tokio::test]
async fn one_token_an_hour_is_kept_with_the_bytes_that_it_is_over() {
    each(async |world| {
        let authority = Authority::start(world).await;
        let stamper = authority.stamper(world, "good");
        let asked = || authority.asked.load(Ordering::Relaxed);
        // Nothing is signed yet.
        stamper.turn().await.unwrap();
        assert_eq!(asked(), 0);
        let service = world.service().await;
        keep(&service, &raws(0..3)).await.unwrap();
        world.signer().await.sign().await.unwrap();
        for _ in 0..3 {
            stamper.turn().await.unwrap();
        }
        assert_eq!(asked(), 1, "{}", world.name);
        let shown = world.evidence().checkpoint().await.unwrap().unwrap();
        let size = signed(shown.size);
        let log = stamper.store.log();
        let kept = log.stamp_over(0, size).await.unwrap().unwrap();
        assert_eq!((kept.size, &kept.note), (size, &shown.note));
        assert_eq!(kept.at, world.clock.now().millis());
        let token = token::read(&kept.token).unwrap();
        assert_eq!(token.imprint, sha256(&[shown.note.as_bytes()]));
        assert_eq!(log.stamp_over(size, size + 9).await.unwrap(), None);
        assert_eq!(log.stamp_over(0, size - 1).await.unwrap(), None);
        world.clock.advance(Duration::from_secs(3_599));
        stamper.turn().await.unwrap();
        assert_eq!(asked(), 1);
        world.clock.advance(Duration::from_secs(1));
        stamper.turn().await.unwrap();
        assert_eq!(asked(), 2);
        let newest = log.newest_stamp().await.unwrap();
        assert_eq!(newest, Some(world.clock.now().millis()));
    })
    .await;
}

#[tokio::test]
async fn nothing_is_kept_of_an_authority_that_lies() {
    each(async |world| {
        let authority = Authority::start(world).await;
        let service = world.service().await;
        keep(&service, &raws(0..3)).await.unwrap();
        world.signer().await.sign().await.unwrap();
        for (lie, word) in LIES {
            let stamper = authority.stamper(world, lie);
            let miss = stamper.turn().await.unwrap_err();
            assert_eq!(miss.word(), word, "{lie}: {miss}");
            assert_eq!(stamper.store.log().newest_stamp().await.unwrap(), None);
        }
        assert_eq!(authority.asked.load(Ordering::Relaxed), LIES.len());
        let gone = Stamping {
            url: "http://127.0.0.1:1/".to_owned(),
            every_s: 1,
        };
        let store = crate::store::open(&world.database());
        let stamper = Stamper::of(&gone, (store, world.evidence()), &world.context());
        let miss = stamper.unwrap().unwrap().turn().await.unwrap_err();
        assert_eq!(miss.word(), "unreachable");
    })
    .await;
}
