//! Who gets in, and who sees what.

use super::*;

#[tokio::test]
async fn without_readers_this_machine_needs_no_login_and_pages_of_other_sites_get_nothing() {
    each(async |world| {
        filled(world).await;
        let router = api(world, &[]);
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
        let router = api(world, &readers(world));
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
