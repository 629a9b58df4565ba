//! The doors of the API: who gets in, who sees what, and how no is said.

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;

use super::*;
use crate::{
    config::Reader,
    tests::{About, World, each, keep},
};

const ALL_TOKEN: &str = "0123456789abcdef0123456789abcdef";
const ONE_TOKEN: &str = "fedcba9876543210fedcba9876543210";

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: Value,
}

async fn filled(world: &World) {
    let service = world.service().await;
    for offset in 0..6 {
        let about = About::check(
            &format!("R-{offset}"),
            &format!("A-{}", offset % 2),
            (0, offset),
        );
        keep(&service, &about.journey(world)).await.unwrap();
    }
}

async fn api(world: &World, readers: &[Reader]) -> Router {
    router(Api {
        history: Arc::new(world.history().await),
        access: Arc::new(Access::of(readers).unwrap()),
    })
}

fn readers(world: &World) -> Vec<Reader> {
    let reader = |name: &str, token: &str, accounts: &[&str]| {
        let token_file = world.folder.path().join(name);
        std::fs::write(&token_file, format!("{token}\n")).unwrap();
        Reader {
            name: name.to_owned(),
            token_file,
            accounts: accounts
                .iter()
                .map(|account| (*account).to_owned())
                .collect(),
            roles: vec!["auditor".to_owned()],
        }
    };
    vec![
        reader("all", ALL_TOKEN, &["*"]),
        reader("one", ONE_TOKEN, &["A-1"]),
    ]
}

async fn ask(router: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let service = TowerToHyperService::new(router.clone());
    let response = service
        .call(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    let answer = Answer {
        status: parts.status,
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    };
    if !answer.status.is_success() && method != "HEAD" {
        assert_eq!(
            answer.headers[header::CONTENT_TYPE],
            "application/problem+json",
            "{path}"
        );
        assert_eq!(answer.body["status"], answer.status.as_u16(), "{path}");
        for name in ["type", "title", "detail"] {
            assert!(answer.body[name].is_string(), "{path}: {name}");
        }
    }
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    answer
}

fn references(answer: &Answer) -> Vec<&str> {
    let checks = answer.body["checks"].as_array().unwrap();
    checks
        .iter()
        .map(|check| check["provider_reference"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn without_readers_this_machine_needs_no_login_and_pages_of_other_sites_get_nothing() {
    each(async |world| {
        filled(world).await;
        let router = api(world, &[]).await;
        let answer = ask(
            &router,
            "GET",
            "/v1/checks?account=A-1",
            &[("host", "127.0.0.1:8081")],
        )
        .await;
        assert_eq!(references(&answer), ["R-1", "R-3", "R-5"]);
        for host in ["localhost", "localhost:8081", "[::1]:8081", "127.0.0.1"] {
            assert_eq!(
                ask(&router, "GET", "/openapi.json", &[("host", host)])
                    .await
                    .status,
                200,
                "{host}"
            );
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example:8081",
            "192.0.2.1",
            "localhost.evil.example",
        ] {
            assert_eq!(
                ask(&router, "GET", "/v1/checks", &[("host", host)])
                    .await
                    .status,
                403,
                "{host}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn the_doors_open_to_whom_they_should() {
    each(async |world| {
        filled(world).await;
        let router = api(world, &readers(world)).await;
        let event = |reference: &str, account: &str, offset| {
            About::check(reference, account, (0, offset))
                .checked()
                .event_id()
                .to_string()
        };
        let (own, foreign) = (event("R-1", "A-1", 1), event("R-2", "A-0", 2));
        let (all, one) = (format!("Bearer {ALL_TOKEN}"), format!("bearer {ONE_TOKEN}"));
        let (own, foreign) = (format!("/v1/checks/{own}"), format!("/v1/checks/{foreign}"));
        let table = [
            ("", "/v1/checks", 401),
            ("", "/openapi.json", 401),
            ("Bearer wrong", "/v1/checks", 401),
            (
                "Basic MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
                "/v1/checks",
                401,
            ),
            (ALL_TOKEN, "/v1/checks", 401),
            (&all, "/v1/checks", 200),
            (&all, "/v1/checks?account=A-0", 200),
            (&all, "/v1/checks?account=A-9", 200),
            (&all, &foreign, 200),
            (&one, "/v1/checks", 200),
            (&one, "/v1/checks?account=A-1", 200),
            (&one, "/v1/checks?account=id-A-1", 200),
            (&one, "/v1/checks?account=A-0", 403),
            (&one, "/v1/checks?account=A-9", 403),
            (&one, "/v1/checks?reference=R-2", 200),
            (&one, &own, 200),
            (&one, &foreign, 404),
            (&one, "/v1/checks/nobody", 404),
            (&one, "/openapi.json", 200),
        ];
        for (authorization, path, status) in table {
            let headers = [
                ("authorization", authorization),
                ("host", "audit.example.com"),
            ];
            let headers = if authorization.is_empty() {
                &headers[1..]
            } else {
                &headers[..]
            };
            let answer = ask(&router, "GET", path, headers).await;
            assert_eq!(answer.status, status, "{authorization} {path}");
            if status == 401 {
                assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
            }
        }
        let as_one = [("authorization", one.as_str())];
        assert_eq!(
            references(&ask(&router, "GET", "/v1/checks", &as_one).await),
            ["R-1", "R-3", "R-5"]
        );
        assert!(
            references(&ask(&router, "GET", "/v1/checks?reference=R-2", &as_one).await).is_empty()
        );
        let body = ask(&router, "GET", &own, &as_one).await.body;
        assert_eq!(body["steps"].as_array().unwrap().len(), 4);
        assert!(!body.to_string().contains("A-0"));
    })
    .await;
}

#[tokio::test]
async fn wrong_questions_are_refused_and_never_show_more() {
    each(async |world| {
        filled(world).await;
        let router = api(world, &[]).await;
        for (path, status, code) in [
            ("/v1/checks?acount=A-1", 400, "bad-parameters"),
            ("/v1/checks?account=A-1&account=A-0", 400, "bad-parameters"),
            ("/v1/checks?limit=many", 400, "bad-parameters"),
            ("/v1/checks?since=yesterday", 400, "bad-time"),
            ("/v1/checks?until=2026-13-01T00:00:00Z", 400, "bad-time"),
            ("/v1/checks?cursor=nonsense&account=A-1", 400, "bad-cursor"),
            ("/v1/checks?cursor=", 400, "bad-cursor"),
            ("/v1/checks/", 404, "no-such-path"),
            ("/v1/checks/x/proof", 404, "no-such-path"),
            ("/log/checkpoint", 404, "no-such-path"),
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
        let router = api(world, &readers).await;
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
    let router = api(&world, &[]).await;
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
