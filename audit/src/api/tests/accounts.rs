//! The accounts over HTTP.

use super::*;

#[tokio::test]
async fn accounts_are_for_every_reader_and_a_day_that_is_not_signed_has_no_statement() {
    each(async |world| {
        filled(world).await;
        let router = api(world, &readers(world));
        let token = format!("Bearer {ONE_TOKEN}");
        let asked = async |path: &'static str| {
            let answer = ask(&router, "GET", path, &[("authorization", &token)]).await;
            (answer.status.as_u16(), answer.body)
        };
        for path in ["/assurance", "/assurance?day=2026-09-21"] {
            let (status, body) = asked(path).await;
            assert_eq!(
                (status, &body["violations"]),
                (200, &Value::from(0)),
                "{path}"
            );
            assert_eq!(body["size"], 30, "{path}");
        }
        let (status, body) = asked("/assurance?day=2026-02-30").await;
        assert_eq!((status, &body["title"]), (400, &Value::from("bad day")));
        assert_eq!(asked("/assurance?since=2026-09-21").await.0, 400);
        let (status, body) = asked("/assurance/2026-09-21").await;
        assert_eq!((status, &body["title"]), (404, &Value::from("no such day")));
        assert_eq!(ask(&router, "GET", "/assurance", &[]).await.status, 401);
    })
    .await;
}
