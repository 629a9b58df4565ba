//! The log over HTTP: headers, what is covered, and the proofs of a check.

use axum::http::header::CONTENT_TYPE;

use super::*;
use crate::log::{
    checkpoint::Checkpoint, key::VerifierKey, policy::Policy, proof::Proof, tile, tree::leaf_hash,
};

async fn signed(world: &World) -> Router {
    filled(world).await;
    world.signer().await.sign().await.unwrap();
    api(world, &[])
}

/// An answer by its bytes.
async fn fetch(router: &Router, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    let request = Request::builder().uri(path).header("host", "localhost");
    let service = TowerToHyperService::new(router.clone());
    let response = service
        .call(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    (
        parts.status,
        parts.headers,
        to_bytes(body, 1 << 20).await.unwrap().to_vec(),
    )
}

async fn fetch_text(router: &Router, path: &str) -> String {
    let (status, headers, body) = fetch(router, path).await;
    assert_eq!(
        (status.as_u16(), &headers[CONTENT_TYPE]),
        (200, &HeaderValue::from_static("text/plain; charset=utf-8")),
        "{path}"
    );
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    String::from_utf8(body).unwrap()
}

#[tokio::test]
async fn a_tool_finds_checkpoint_key_and_every_tile() {
    each(async |world| {
        let router = signed(world).await;
        let key = fetch_text(&router, "/log/vkey").await;
        let key = VerifierKey::parse(key.strip_suffix('\n').unwrap()).unwrap();
        assert!(key.name().starts_with("idtrail/"));
        let note = fetch_text(&router, "/log/checkpoint").await;
        let (checkpoint, _) = Checkpoint::open(note.as_bytes(), &key).unwrap();
        assert_eq!(checkpoint.size, 30);
        let mut entries = Vec::new();
        for tile in tile::all(checkpoint.size) {
            let (status, headers, body) = fetch(&router, &format!("/log/{tile}")).await;
            assert_eq!(
                (status.as_u16(), &headers[CONTENT_TYPE]),
                (200, &HeaderValue::from_static("application/octet-stream"))
            );
            assert_eq!(
                headers[header::CACHE_CONTROL],
                "max-age=31536000, immutable"
            );
            if tile.rank == tile::Rank::Entries {
                entries = crate::log::bundle::decode(&body)
                    .unwrap()
                    .into_iter()
                    .map(leaf_hash)
                    .collect();
            }
        }
        assert_eq!(checkpoint.root, crate::log::tree::root_of(&entries));
        for path in [
            "tile/0/000",
            "tile/0/000.p/31",
            "tile/0/0",
            "tile/1/000.p/1",
            "tile/entries/000.p/0",
        ] {
            let answer = ask(
                &router,
                "GET",
                &format!("/log/{path}"),
                &[("host", "localhost")],
            )
            .await;
            assert_eq!(
                answer.body["type"], "urn:idtrail:problem:no-such-tile",
                "{path}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn each_step_of_a_check_has_its_proof_or_waits_for_the_next_checkpoint() {
    each(async |world| {
        let router = signed(world).await;
        let late = About::check("R-late", "A-1", (0, 9));
        keep(&world.service().await, &late.journey(world))
            .await
            .unwrap();
        let host = [("host", "localhost")];
        let of = |about: &About| format!("/v1/checks/{}/proof", about.checked().event_id());
        let path = of(&About::check("R-2", "A-0", (0, 2)));
        let answer = ask(&router, "GET", &path, &host).await;
        let proofs = answer.body["proofs"].as_array().unwrap();
        assert_eq!(proofs.len(), 4);
        let key = world.config.log_key().unwrap().unwrap();
        let policy = Policy::of_log(key.verifier().clone());
        for one in proofs {
            let leaf = leaf_hash(one["leaf"].as_str().unwrap().as_bytes());
            assert_eq!(
                (one["leaf_hash"].as_str().unwrap(), &one["state"]),
                (hex::encode(leaf).as_str(), &Value::from("integrated"))
            );
            let proof = Proof::parse(one["proof"].as_str().unwrap()).unwrap();
            proof.verify(&leaf, &policy).unwrap();
            assert_eq!(Value::from(proof.index), one["seq"]);
            let alone = fetch_text(&router, &format!("{path}?seq={}", one["seq"])).await;
            assert_eq!(alone, proof.to_string());
        }
        let answer = ask(&router, "GET", &of(&late), &host).await;
        let state = |one: &Value| one["state"] == "pending" && one["proof"].is_null();
        assert!(answer.body["proofs"].as_array().unwrap().iter().all(state));
        for (path, status) in [
            (format!("{path}?seq=0"), 404),
            (format!("{path}?seq=x"), 400),
            (of(&About::check("R-9", "A-1", (0, 77))), 404),
        ] {
            assert_eq!(
                ask(&router, "GET", &path, &host).await.status,
                status,
                "{path}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn the_log_opens_to_readers_only_and_proofs_to_whose_check_it_is() {
    let world = World::new("SQLite").await.unwrap();
    let _without_readers = signed(&world).await;
    let router = api(&world, &readers(&world));
    let foreign = About::check("R-2", "A-0", (0, 2))
        .checked()
        .event_id()
        .to_string();
    let one = format!("Bearer {ONE_TOKEN}");
    let proof = format!("/v1/checks/{foreign}/proof");
    for (path, status) in [("/log/vkey", 200), ("/log/checkpoint", 200), (&proof, 404)] {
        assert_eq!(
            ask(&router, "GET", path, &[("authorization", &one)])
                .await
                .status,
            status,
            "{path}"
        );
        assert_eq!(ask(&router, "GET", path, &[]).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_log_that_nobody_signs_says_so() {
    let mut world = World::new("SQLite").await.unwrap();
    filled(&world).await;
    world.config.log_key_file = None;
    let router = api(&world, &[]);
    for path in ["/log/vkey", "/log/checkpoint", "/log/tile/0/000.p/1"] {
        let answer = ask(&router, "GET", path, &[("host", "localhost")]).await;
        assert_eq!(
            answer.body["type"], "urn:idtrail:problem:nothing-signed",
            "{path}"
        );
    }
}
