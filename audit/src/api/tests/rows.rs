//! Rows of one reader and of another: which they are is decided where they are chosen, not on the page.

use super::*;

/// Checks of either account, one after the other.
const EACH: i64 = 55;
const PAGES_OF: usize = 3;

/// Checks of two accounts by turns, and at the end two that belong to both, and so to nobody who sees one of them only.
async fn interleaved(world: &World) {
    let service = world.service().await;
    let mut records = Vec::new();
    for offset in 0..2 * EACH {
        let account = format!("A-{}", offset % 2);
        let about = About::check(&format!("R-{offset}"), &account, (0, offset));
        records.extend(about.journey(world));
    }
    keep(&service, &records).await.unwrap();
    let of_both = ["A-0", "A-1", "A-1", "A-0"];
    let mut shared = Vec::new();
    for (offset, account) in (0..).zip(of_both) {
        let about = About::check(&format!("R-both-{}", offset / 2), account, (1, offset));
        shared.extend(about.journey(world));
    }
    keep(&service, &shared).await.unwrap();
}

fn both_readers(world: &World) -> (Vec<Reader>, [String; 2]) {
    let mut readers = readers(world);
    readers[0].accounts = vec!["A-0".to_owned()];
    (
        readers,
        [format!("Bearer {ALL_TOKEN}"), format!("Bearer {ONE_TOKEN}")],
    )
}

#[tokio::test]
async fn no_reader_ever_sees_a_row_of_another_on_any_page() {
    each(async |world| {
        interleaved(world).await;
        let (readers, tokens) = both_readers(world);
        let router = api(world, &readers);
        for (parity, token) in (0..).zip(&tokens) {
            let as_reader = [("authorization", token.as_str())];
            let (mut seen, mut path) = (Vec::new(), format!("/v1/checks?limit={PAGES_OF}"));
            loop {
                let answer = ask(&router, "GET", &path, &as_reader).await;
                assert_eq!(answer.status, 200);
                let there = references(&answer);
                seen.extend(there.iter().map(|one| (*one).to_owned()));
                let Some(cursor) = answer.body["next_cursor"].as_str() else {
                    break;
                };
                // Were rows taken off the page after it was filled, half of them would be missing here.
                let mixed = seen.len() >= usize::try_from(EACH).unwrap();
                assert!(
                    there.len() == PAGES_OF || mixed,
                    "{}: {there:?}",
                    world.name
                );
                path = format!("/v1/checks?limit={PAGES_OF}&cursor={cursor}");
            }
            let own: Vec<String> = (0..EACH)
                .map(|at| format!("R-{}", 2 * at + parity))
                .collect();
            assert_eq!(seen, own, "{}", world.name);
        }
    })
    .await;
}

#[tokio::test]
async fn a_cursor_serves_one_reader_and_one_question() {
    each(async |world| {
        interleaved(world).await;
        let (readers, [zero, one]) = both_readers(world);
        let router = api(world, &readers);
        let first = ask(
            &router,
            "GET",
            "/v1/checks?limit=2",
            &[("authorization", &zero)],
        )
        .await;
        let cursor = first.body["next_cursor"].as_str().unwrap();
        let mut forged = cursor.to_owned();
        forged.replace_range(..1, if forged.starts_with('A') { "B" } else { "A" });
        let next = format!("/v1/checks?cursor={cursor}");
        for (path, token, status) in [
            (next.clone(), &zero, 200),
            (format!("{next}&limit=7"), &zero, 200),
            (next.clone(), &one, 400),
            (format!("{next}&account=A-0"), &zero, 400),
            (format!("{next}&contact=CON-A-0"), &zero, 400),
            (format!("{next}&reference=R-0"), &zero, 400),
            (format!("{next}&since=2026-01-01T00:00:00Z"), &zero, 400),
            (format!("{next}&until=2036-01-01T00:00:00Z"), &zero, 400),
            (format!("/v1/checks?cursor={forged}"), &zero, 400),
        ] {
            let answer = ask(&router, "GET", &path, &[("authorization", token)]).await;
            assert_eq!(answer.status, status, "{path}");
            if status == 400 {
                assert_eq!(
                    answer.body["type"], "urn:idtrail:problem:bad-cursor",
                    "{path}"
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_has_a_hundred_checks_however_many_are_asked_for() {
    each(async |world| {
        interleaved(world).await;
        let router = api(world, &[]);
        for limit in ["1000000000", "101", "99999999999999999999999999"] {
            let answer = ask(&router, "GET", &format!("/v1/checks?limit={limit}"), &[]).await;
            assert_eq!(
                (answer.status.as_u16(), references(&answer).len()),
                (200, 100),
                "{limit}"
            );
            assert!(answer.body["next_cursor"].is_string());
        }
        for limit in ["0", "-1", "%2B5", "1.0", "", "1e2"] {
            let answer = ask(&router, "GET", &format!("/v1/checks?limit={limit}"), &[]).await;
            assert_eq!(
                answer.body["type"], "urn:idtrail:problem:bad-parameters",
                "{limit}"
            );
        }
    })
    .await;
}
