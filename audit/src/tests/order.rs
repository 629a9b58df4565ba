//! Pages: of one moment, in the order of the checks, within a time.

use std::time::Duration;

use schemas::Timestamp;

use super::{
    records::About,
    world::{BEGIN, World, each, keep},
};
use crate::{HistoryError, Query};

/// Twelve checks of three accounts, one each second.
async fn twelve(world: &World) {
    let service = world.service().await;
    for offset in 0..12 {
        let about = About::check(
            &format!("R-{offset}"),
            &format!("A-{}", offset % 3),
            (0, offset),
        );
        keep(&service, &about.journey(world)).await.unwrap();
        world.clock.advance(Duration::from_secs(1));
    }
}

fn second(at: i64) -> Timestamp {
    Timestamp::from_micros(BEGIN + at * 1_000_000)
}

/// The references of all checks, page after page.
async fn paged(world: &World, mut query: Query) -> Vec<String> {
    let history = world.history();
    let mut references = Vec::new();
    loop {
        let page = history.checks(&query).await.unwrap();
        assert!(page.checks.len() <= query.limit);
        references.extend(
            page.checks
                .into_iter()
                .filter_map(|check| check.provider_reference),
        );
        match page.next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => return references,
        }
    }
}

#[tokio::test]
async fn pages_together_hold_every_check_once_and_in_order() {
    each(async |world| {
        twelve(world).await;
        let all: Vec<String> = (0..12).map(|at| format!("R-{at}")).collect();
        for limit in [1, 5, 12, 100] {
            let query = Query {
                limit,
                ..Query::default()
            };
            assert_eq!(paged(world, query.clone()).await, all);
            let of_one = Query {
                account: Some("A-1".to_owned()),
                ..query
            };
            assert_eq!(paged(world, of_one).await, ["R-1", "R-4", "R-7", "R-10"]);
        }
    })
    .await;
}

#[tokio::test]
async fn since_and_until_narrow_to_checks_with_a_step_between_them() {
    each(async |world| {
        twelve(world).await;
        let query = |since: Option<i64>, until: Option<i64>| Query {
            since: since.map(second),
            until: until.map(second),
            limit: 100,
            ..Query::default()
        };
        assert_eq!(
            paged(world, query(Some(3), Some(6))).await,
            ["R-3", "R-4", "R-5"]
        );
        assert_eq!(paged(world, query(Some(10), None)).await, ["R-10", "R-11"]);
        assert_eq!(paged(world, query(None, Some(1))).await, ["R-0"]);
        assert!(paged(world, query(None, Some(0))).await.is_empty());
        assert!(paged(world, query(Some(99), None)).await.is_empty());
        assert!(paged(world, query(Some(6), Some(3))).await.is_empty());
        let mut of_one = query(Some(3), Some(9));
        of_one.account = Some("A-1".to_owned());
        assert_eq!(paged(world, of_one).await, ["R-4", "R-7"]);
    })
    .await;
}

#[tokio::test]
async fn a_cursor_shows_the_moment_it_was_made_and_serves_one_question() {
    each(async |world| {
        twelve(world).await;
        let history = world.history();
        let query = Query {
            limit: 11,
            ..Query::default()
        };
        let cursor = history.checks(&query).await.unwrap().next_cursor.unwrap();
        let late = About::check("R-late", "A-1", (1, 0));
        keep(&world.service().await, &late.journey(world))
            .await
            .unwrap();
        let rest = Query {
            cursor: Some(cursor.clone()),
            limit: 100,
            ..Query::default()
        };
        let page = history.checks(&rest).await.unwrap();
        assert_eq!(page.checks.len(), 1, "what came later is not on this page");
        assert_eq!(page.next_cursor, None);
        let other = Query {
            account: Some("A-1".to_owned()),
            ..rest.clone()
        };
        let broken = Query {
            cursor: Some(cursor.replace(|character: char| character.is_ascii_digit(), "x")),
            ..rest.clone()
        };
        let nonsense = Query {
            cursor: Some("nonsense".to_owned()),
            ..rest
        };
        for wrong in [other, broken, nonsense] {
            assert!(
                matches!(history.checks(&wrong).await, Err(HistoryError::Cursor)),
                "{wrong:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn an_empty_history_answers() {
    each(async |world| {
        assert!(world.steps(Query::default()).await.is_empty());
        let history = world.history();
        assert!(history.rejected(-1, 10).await.unwrap().is_empty());
        assert!(history.check_of("nobody").await.unwrap().is_none());
    })
    .await;
}
