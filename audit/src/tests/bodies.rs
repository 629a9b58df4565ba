//! What a body holds, opened with the keys as they lie there.

use stage::database::Database;

use super::{
    records::About,
    world::{World, keep},
};

#[tokio::test]
async fn a_body_is_canonical_and_holds_the_whole_event_and_its_number() {
    let world = World::new("SQLite").await.unwrap();
    let service = world.service().await;
    for offset in 0..3 {
        let about = About::check(&format!("R-{offset}"), "A-1", (0, offset));
        keep(&service, &about.journey(&world)).await.unwrap();
    }
    let bodies = bodies(&world).await;
    let numbers: Vec<_> = bodies
        .iter()
        .filter_map(|(_, body)| body["n"].as_i64())
        .collect();
    assert_eq!(
        numbers,
        [1, 2, 3],
        "an account's entries are numbered without holes"
    );
    for (text, body) in &bodies {
        // Sorted names and no spaces: what serde_json writes of the same value, because all numbers are integers.
        assert_eq!(*text, body.to_string());
        assert_eq!(body["n"].is_null(), body["step"] != "enriched");
    }
    let enriched = &bodies
        .iter()
        .find(|(_, body)| body["step"] == "enriched")
        .unwrap()
        .1;
    assert_eq!(
        enriched["event"]["checked"]["received_at"],
        super::world::BEGIN
    );
    assert_eq!(enriched["event"]["checked"]["document_expiry"], 22_403);
    assert_eq!(enriched["event"]["party"]["account_id"], "id-A-1");
    let raw = &bodies[0].1;
    assert_eq!(raw["source"]["topic"], "idtrail.raw");
    let names: Vec<_> = raw["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one[0].as_str().unwrap())
        .collect();
    for name in [
        "ce_id",
        "provider",
        "peer",
        "received_at",
        "request_id",
        "sha256",
        "traceparent",
    ] {
        assert!(names.contains(&name), "{name} of {names:?}");
    }
}

/// Every body, opened with the keys as they lie there.
pub(super) async fn bodies(world: &World) -> Vec<(String, serde_json::Value)> {
    let (Database::Sqlite(history), Database::Sqlite(keys)) =
        (world.database(), world.key_database())
    else {
        panic!("a world of SQLite");
    };
    let kek = world.config.kek().unwrap();
    let rows: Vec<(uuid::Uuid, Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT b.subject, e.leaf_hash, b.sealed FROM bodies b JOIN entries e ON e.seq = b.seq ORDER BY b.seq",
    )
    .fetch_all(&history)
    .await
    .unwrap();
    let mut bodies = Vec::new();
    for (subject, leaf_hash, sealed) in rows {
        let (wrapped,): (Vec<u8>,) =
            sqlx::query_as("SELECT sealed FROM data_keys WHERE subject = ?")
                .bind(subject)
                .fetch_one(&keys)
                .await
                .unwrap();
        let opened = kek
            .unwrap(subject, &wrapped)
            .unwrap()
            .open(&leaf_hash, &sealed)
            .unwrap();
        let text = String::from_utf8(opened[32..].to_vec()).unwrap();
        bodies.push((text.clone(), serde_json::from_str(&text).unwrap()));
    }
    bodies
}
