//! No answer without its entry: who asked what, and how much they were shown.

use super::*;
use crate::{
    AccessQuery, Look,
    acts::{Act, WAITING},
    leaf::Kind,
    looks::{Book, Noted},
    service::Service,
};

/// The API of a service, whose answers wait for its sequencer.
fn api_of(world: &World, service: &Service, readers: &[Reader]) -> Router {
    let viewing = Viewing::on(
        world.history(),
        Noted(world.key_database()),
        Book::Log(service.acts.clone()),
        (Arc::new(world.clock.clone()), stage::Chance::system()),
    );
    router(Api {
        viewing: Arc::new(viewing),
        access: Arc::new(Access::of(readers).unwrap()),
        evidence: Evidence::on(crate::store::open(&world.database())),
        assurance: Assurance::on(&world.database()),
        vkey: None,
    })
}

/// Tells a story beside the sequencer.
async fn beside(world: &World, service: &Service, story: impl Future<Output = ()>) {
    let context = world.context();
    let story = async {
        story.await;
        context.stopper.stop();
    };
    tokio::join!(
        service.queue.run(&service.audit, &service.noted, &context),
        story
    );
}

async fn looks(world: &World) -> Vec<Look> {
    let noted = Noted(world.key_database());
    let (history, query) = (world.history(), AccessQuery::default());
    history.accesses(&query, &noted).await.unwrap().looks
}

#[tokio::test]
async fn each_answer_that_tells_of_checks_has_its_entry_before_it_is_given() {
    each(async |world| {
        filled(world).await;
        world.signer().await.sign().await.unwrap();
        let service = world.service().await;
        let router = api_of(world, &service, &readers(world));
        let own = About::check("R-1", "A-1", (0, 1))
            .checked()
            .event_id()
            .to_string();
        let foreign = About::check("R-2", "A-0", (0, 2))
            .checked()
            .event_id()
            .to_string();
        let one = format!("Bearer {ONE_TOKEN}");
        let headers = [("authorization", one.as_str()), ("x-purpose", "case 4711")];
        let (own, foreign) = (format!("/v1/checks/{own}"), format!("/v1/checks/{foreign}"));
        let proof = format!("{own}/proof");
        beside(world, &service, async {
            for (path, status, asked, rows) in [
                ("/v1/checks", 200, "checks", 12),
                ("/v1/checks?account=A-1&limit=1", 200, "checks", 4),
                ("/v1/checks?account=A-0", 403, "checks", 0),
                (&own, 200, "check", 4),
                (&foreign, 404, "check", 0),
                (&proof, 200, "proof", 4),
            ] {
                let before = looks(world).await;
                let answer = ask(&router, "GET", path, &headers).await;
                assert_eq!(answer.status, status, "{path}");
                let after = looks(world).await;
                assert_eq!(after.len(), before.len() + 1, "{}: {path}", world.name);
                let look = after.last().unwrap();
                assert!(
                    look.seq.is_some(),
                    "it stands in the log before it is answered"
                );
                assert_eq!(
                    (
                        look.reader.as_str(),
                        look.through.as_str(),
                        look.asked.as_str(),
                        look.rows
                    ),
                    ("one", "api", asked, rows),
                    "{path}"
                );
                assert_eq!(look.purpose.as_deref(), Some("case 4711"));
                assert_eq!(
                    (look.first.is_some(), look.last.is_some()),
                    (rows > 0, rows > 0)
                );
            }
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn the_log_and_the_description_need_no_entry_and_what_is_refused_gets_none() {
    each(async |world| {
        filled(world).await;
        world.signer().await.sign().await.unwrap();
        let router = api(world, &readers(world));
        let one = format!("Bearer {ONE_TOKEN}");
        let before = looks(world).await.len();
        for (path, status) in [
            ("/log/tile/0/000.p/1", 200),
            ("/log/checkpoint", 200),
            ("/log/vkey", 200),
            ("/openapi.json", 200),
            ("/v1/checks?acount=A-1", 400),
        ] {
            let request = Request::builder().uri(path).header("authorization", &one);
            let service = TowerToHyperService::new(router.clone());
            let answer = service
                .call(request.body(Body::empty()).unwrap())
                .await
                .unwrap();
            assert_eq!(answer.status(), status, "{path}");
        }
        assert_eq!(ask(&router, "GET", "/v1/checks", &[]).await.status, 401);
        assert_eq!(looks(world).await.len(), before);
    })
    .await;
}

#[tokio::test]
async fn who_asks_at_once_shares_a_transaction_and_the_question_is_kept_as_a_hash_only() {
    each(async |world| {
        filled(world).await;
        let service = world.service().await;
        let router = api_of(world, &service, &[]);
        let (size, _) = service.audit.store.log().head().await.unwrap();
        let story = async {
            let paths = [
                "/v1/checks?account=A-1",
                "/v1/checks?account=A-1&limit=2",
                "/v1/checks?account=A-0",
            ];
            let ask = |path| ask(&router, "GET", path, &[]);
            let answers = futures::future::join_all(paths.into_iter().map(ask)).await;
            assert!(answers.iter().all(|answer| answer.status == 200));
        };
        beside(world, &service, story).await;
        let found = looks(world).await;
        let mut seqs: Vec<_> = found.iter().filter_map(|look| look.seq).collect();
        seqs.sort_unstable();
        assert_eq!(seqs, [size, size + 1, size + 2]);
        assert!(
            found
                .iter()
                .all(|look| look.reader == "loopback" && look.purpose.is_none())
        );
        let mut questions: Vec<_> = found.iter().map(|look| look.question.as_str()).collect();
        questions.sort_unstable();
        questions.dedup();
        assert_eq!(
            questions.len(),
            2,
            "the size of the page is no part of the question"
        );
        for (kind, _, body) in crate::tests::own(world, &service).await {
            let told = body.to_string();
            assert!(
                kind != "access" || !(told.contains("A-1") || told.contains("R-1")),
                "{told}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_answered() {
    let world = World::new("SQLite").await.unwrap();
    filled(&world).await;
    let service = world.service().await;
    let router = api_of(&world, &service, &[]);
    // Nobody appends: what comes waits, until no more may wait.
    let act = || Act::new(Kind::Access, &["somebody"]).unwrap();
    let waiting = (0..WAITING).map(|_| service.acts.append(act()));
    let mut waiting = Box::pin(futures::future::join_all(waiting));
    let event = About::check("R-0", "A-0", (0, 0)).checked();
    let one = format!("/v1/checks/{}", event.event_id());
    for path in ["/v1/checks", &one, &format!("{one}/proof")] {
        let refused = tokio::select! {
            biased;
            ends = &mut waiting => panic!("{} acts are done by nobody", ends.len()),
            answer = ask(&router, "GET", path, &[]) => answer,
        };
        assert_eq!(
            (refused.status.as_u16(), refused.body["type"].as_str()),
            (503, Some("urn:idtrail:problem:unrecorded")),
            "{path}"
        );
        assert!(refused.headers.contains_key(header::RETRY_AFTER));
        assert!(!refused.body.to_string().contains("R-"));
    }
    assert!(looks(&world).await.is_empty());
}

#[tokio::test]
async fn a_purpose_that_is_none_is_refused() {
    let world = World::new("SQLite").await.unwrap();
    let router = api(&world, &[]);
    let longest = "x".repeat(crate::MAX_PURPOSE);
    let longer = format!("{longest}x");
    for (purposes, status) in [
        (vec![longest.as_str()], 200),
        (vec![longer.as_str()], 400),
        (vec![""], 400),
        (vec!["one", "another"], 400),
    ] {
        let headers: Vec<_> = purposes
            .iter()
            .map(|purpose| ("x-purpose", *purpose))
            .collect();
        let answer = ask(&router, "GET", "/v1/checks", &headers).await;
        assert_eq!(answer.status, status, "{purposes:?}");
    }
}
