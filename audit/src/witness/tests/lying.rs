//! Witnesses that lie: nothing is kept of what they say, and a redirect leads nowhere.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    log::{
        cosignature,
        key::{Kind, SigningKey},
        note::Note,
    },
    signer::{Refusal, Signer},
    tests::{World, keep, raws, refused},
    witness::{Objection, Objections, Rhythm, Submission, Witness, Witnesses},
};

fn key(seed: u8) -> SigningKey {
    SigningKey::new("witness.test", Kind::Witness, &[seed; 32]).unwrap()
}

/// A line over the submitted checkpoint, or over another text.
fn line(body: &str, seed: u8, time: u64, suffix: &str) -> String {
    let submission = Submission::parse(body.as_bytes()).unwrap();
    let note = Note::parse(submission.note.as_bytes()).unwrap();
    let text = format!("{}{suffix}", note.text());
    let line = cosignature::sign(&key(seed), time, &text);
    format!("{}\n", line.unwrap())
}

/// What a witness of one kind answers; `good` is the honest one.
fn answer(kind: &str, body: &str, now: u64) -> Response {
    let good = line(body, 1, now, "");
    match kind {
        "good" => good.into_response(),
        "another key" => line(body, 2, now, "").into_response(),
        "another text" => line(body, 1, now, "x\n").into_response(),
        "in the past" => line(body, 1, now - 3_600, "").into_response(),
        "too long" => format!("{good}{}", "x".repeat(64 << 10)).into_response(),
        "nothing" => "".into_response(),
        "no line end" => good.trim_end().to_owned().into_response(),
        "redirect" => (
            StatusCode::TEMPORARY_REDIRECT,
            [(header::LOCATION, "/good/add-checkpoint")],
        )
            .into_response(),
        "size of no form" => (StatusCode::CONFLICT, "1\n").into_response(),
        "size that moves" => {
            let old = Submission::parse(body.as_bytes()).unwrap().old;
            let size = if old == 2 { "0\n" } else { "2\n" };
            let kind = [(header::CONTENT_TYPE, "text/x.tlog.size")];
            (StatusCode::CONFLICT, kind, size).into_response()
        }
        "a fork" => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
        "the same size" => {
            let kind = [(header::CONTENT_TYPE, "text/x.tlog.size")];
            (StatusCode::CONFLICT, kind, "5\n").into_response()
        }
        _ => (StatusCode::INTERNAL_SERVER_ERROR, good).into_response(),
    }
}

const LIES: [&str; 10] = [
    "another key",
    "another text",
    "in the past",
    "too long",
    "nothing",
    "no line end",
    "redirect",
    "size of no form",
    "size that moves",
    "broken",
];

/// A witness that answers in one of these ways, by its path, and counts how often it is asked.
struct Liar {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

impl Liar {
    async fn start(now: u64) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let route = post(async move |Path(kind): Path<String>, body: String| {
            count.fetch_add(1, Ordering::Relaxed);
            answer(&kind, &body, now)
        });
        let router = Router::new().route("/{kind}/add-checkpoint", route);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut task = JoinSet::new();
        task.spawn(crate::api::serve::serve(
            listener,
            router,
            stage::Stopper::new(),
        ));
        Self {
            address,
            asked,
            _task: task,
        }
    }

    /// The visits of a signer's log to this witness alone.
    fn visited(&self, kind: &str, signer: &Signer) -> Witnesses {
        let witness = Witness {
            name: kind.to_owned(),
            url: format!("http://{}/{}/", self.address, kind.replace(' ', "%20")),
            key: key(1).verifier().to_string(),
        };
        let witnesses = Witnesses::of(
            (&[witness], Rhythm::default()),
            Arc::clone(&signer.store),
            Arc::clone(&signer.key),
            Arc::clone(&signer.clock),
            signer.objections.clone(),
        );
        witnesses.unwrap()
    }
}

/// A log with checkpoints over 2 and over 5 entries.
async fn signed(world: &World) -> Signer {
    let (service, signer) = (world.service().await, world.signer().await);
    for offsets in [0..1, 1..3] {
        keep(&service, &raws(offsets)).await.unwrap();
        signer.sign().await.unwrap();
    }
    signer
}

#[tokio::test]
async fn only_what_verifies_is_kept_and_no_lie_stops_signing() {
    let world = World::new("SQLite").await.unwrap();
    let signer = signed(&world).await;
    let liar = Liar::start(u64::try_from(world.clock_seconds()).unwrap()).await;
    for kind in LIES.into_iter().chain(["good"]) {
        liar.visited(kind, &signer).round().await;
        let kept = signer.store.log().cosignatures(5).await.unwrap();
        assert_eq!(kept.len(), usize::from(kind == "good"), "{kind}: {kept:?}");
        assert_eq!(signer.objections.none(), Ok(()), "{kind}");
    }
}

#[tokio::test]
async fn a_refused_checkpoint_is_not_submitted_again_and_nothing_is_signed() {
    let world = World::new("SQLite").await.unwrap();
    let mut signer = signed(&world).await;
    let liar = Liar::start(u64::try_from(world.clock_seconds()).unwrap()).await;
    for (kind, requests) in [("a fork", 1), ("the same size", 2)] {
        signer.objections = Objections::default();
        let before = liar.asked.load(Ordering::Relaxed);
        let witnesses = liar.visited(kind, &signer);
        for _ in 0..5 {
            witnesses.round().await;
        }
        let asked = liar.asked.load(Ordering::Relaxed) - before;
        assert_eq!(asked, requests, "{kind}");
        let fork = Objection::Fork {
            witness: kind.to_owned(),
            size: 5,
        };
        assert_eq!(refused(&signer).await, Refusal::Witnessed(fork));
    }
}
