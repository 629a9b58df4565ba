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

mod accounts;
mod doors;
mod log;
mod questions;
mod recorded;
mod rows;

const ALL_TOKEN: &str = "0123456789abcdef0123456789abcdef";
const ONE_TOKEN: &str = "fedcba9876543210fedcba9876543210";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
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

fn api(world: &World, readers: &[Reader]) -> Router {
    router(Api {
        viewing: Arc::new(world.viewing()),
        access: Arc::new(Access::of(readers).unwrap()),
        evidence: Evidence::on(crate::store::open(&world.database())),
        assurance: Assurance::on(&world.database()),
        vkey: crate::evidence::verifier_key(&world.config).unwrap(),
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
