//! What may be asked, page after page, and what is refused.

use super::*;

#[tokio::test]
async fn wrong_questions_are_refused_and_never_show_more() {
    each(async |world| {
        filled(world).await;
        let router = api(world, &[]);
        for (path, status, code) in [
            ("/v1/checks?acount=A-1", 400, "bad-parameters"),
            ("/v1/checks?account=A-1&account=A-0", 400, "bad-parameters"),
            ("/v1/checks?limit=many", 400, "bad-parameters"),
            ("/v1/checks?since=yesterday", 400, "bad-time"),
            ("/v1/checks?until=2026-13-01T00:00:00Z", 400, "bad-time"),
            ("/v1/checks?cursor=nonsense&account=A-1", 400, "bad-cursor"),
            ("/v1/checks?cursor=", 400, "bad-cursor"),
            ("/v1/checks/%FF", 404, "no-such-event"),
            ("/v1/checks/%FF/proof", 404, "no-such-event"),
            ("/log/tile/%FF", 404, "no-such-tile"),
            ("/v1/checks/", 404, "no-such-path"),
            ("/v1/checks/x/y", 404, "no-such-path"),
            ("/log/checkpoint", 404, "nothing-signed"),
            ("/log/tile/0/0", 404, "no-such-tile"),
            ("/log/other", 404, "no-such-path"),
            ("/", 404, "no-such-path"),
        ] {
            let answer = ask(&router, "GET", path, &[]).await;
            assert_eq!(answer.status, status, "{path}");
            assert_eq!(
                answer.body["type"],
                format!("urn:idtrail:problem:{code}"),
                "{path}"
            );
        }
        for method in ["POST", "PUT", "DELETE"] {
            let answer = ask(&router, method, "/v1/checks", &[]).await;
            assert_eq!(
                (answer.status, answer.headers[header::ALLOW].as_bytes()),
                (StatusCode::METHOD_NOT_ALLOWED, &b"GET, HEAD"[..])
            );
        }
        assert_eq!(
            ask(&router, "GET", "/v1/checks?limit=1000000000", &[])
                .await
                .status,
            200
        );
    })
    .await;
}

#[tokio::test]
async fn pages_follow_one_another_and_a_cursor_is_one_reader_s() {
    each(async |world| {
        filled(world).await;
        let mut readers = readers(world);
        readers[1].accounts = vec!["A-0".to_owned(), "id-A-1".to_owned()];
        let router = api(world, &readers);
        let (all, one) = (format!("Bearer {ALL_TOKEN}"), format!("Bearer {ONE_TOKEN}"));
        for token in [&all, &one] {
            let (mut path, mut seen) = ("/v1/checks?limit=4".to_owned(), Vec::new());
            loop {
                let answer = ask(&router, "GET", &path, &[("authorization", token)]).await;
                assert_eq!(answer.status, 200);
                seen.extend(references(&answer).iter().map(|one| (*one).to_owned()));
                let Some(cursor) = answer.body["next_cursor"].as_str() else {
                    break;
                };
                path = format!("/v1/checks?limit=4&cursor={cursor}");
                let other = if token == &all { &one } else { &all };
                let foreign = ask(&router, "GET", &path, &[("authorization", other)]).await;
                assert_eq!(foreign.status, 400);
            }
            assert_eq!(seen, ["R-0", "R-1", "R-2", "R-3", "R-4", "R-5"]);
        }
    })
    .await;
}

#[tokio::test]
async fn the_description_names_what_is_there_and_nothing_else() {
    let world = World::new("SQLite").await.unwrap();
    let router = api(&world, &[]);
    let answer = ask(&router, "GET", "/openapi.json", &[]).await;
    assert_eq!(answer.body["openapi"], "3.1.0");
    for path in answer.body["paths"].as_object().unwrap().keys() {
        let status = ask(&router, "GET", &path.replace("{event_id}", "nobody"), &[]).await;
        assert_ne!(
            status.body["type"], "urn:idtrail:problem:no-such-path",
            "{path}"
        );
    }
    let listed = &answer.body["components"]["schemas"]["Step"]["required"];
    let about = About::check("R-1", "A-1", (0, 0));
    keep(&world.service().await, &about.journey(&world))
        .await
        .unwrap();
    let steps = ask(&router, "GET", "/v1/checks", &[]).await.body["checks"][0]["steps"].clone();
    let step = steps[0].as_object().unwrap();
    let mut listed: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let mut there: Vec<&str> = step.keys().map(String::as_str).collect();
    listed.sort_unstable();
    there.sort_unstable();
    assert_eq!(listed, there);
}
